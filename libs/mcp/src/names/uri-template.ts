import { MAX_URI_LENGTH } from './uris.js';

/** Most variables in a template; with the length of the URI this bounds the work of a match. */
const MAX_VARIABLES = 64;

/** What one expression may stand for in a URI. */
interface Variable {
  /** Character the expansion begins with; '' when it begins with the value itself. */
  readonly lead: string;
  /** Whether the expansion may be empty, as that of an undefined variable is. */
  readonly optional: boolean;
  /** Character the expansion never contains, '' for none. */
  readonly without: string;
  /** How often lead and value may follow one another. */
  readonly times: number;
}

/** Variable names with their modifiers. */
const NAMES = /^[A-Za-z0-9_%.,:*~-]+$/;

type Part = string | Variable;

/**
 * Matches a concrete URI against an RFC 6570 template in linear time per variable, without compiling it to a pattern.
 * `{var}` stands for one or more characters other than `/`, `{+var}` and `{#var}` for any, `{/var}`, `{.var}`, `{;var}`,
 * `{?var}` and `{&var}` for what begins with their character, or nothing. Templates and URIs over 8 KiB and templates
 * that are not well-formed match nothing.
 */
export function matchesTemplate(template: string, uri: string): boolean {
  if (uri.length > MAX_URI_LENGTH) return false;
  const parts = parse(template);
  if (!parts) return false;
  /** Places of the URI that the parts so far can end at. */
  let reached = new Uint8Array(uri.length + 1);
  reached[0] = 1;
  for (const part of parts) {
    const next = new Uint8Array(uri.length + 1);
    const any =
      typeof part === 'string' ? matchLiteral(part, uri, reached, next) : matchVariable(part, uri, reached, next);
    if (!any) return false;
    reached = next;
  }
  return reached[uri.length] === 1;
}

function matchLiteral(literal: string, uri: string, reached: Uint8Array, next: Uint8Array): boolean {
  let any = false;
  for (let at = reached.indexOf(1); at >= 0; at = reached.indexOf(1, at + 1)) {
    if (!uri.startsWith(literal, at)) continue;
    next[at + literal.length] = 1;
    any = true;
  }
  return any;
}

function matchVariable(variable: Variable, uri: string, reached: Uint8Array, next: Uint8Array): boolean {
  if (variable.optional) next.set(reached);
  let starts = reached;
  for (let time = 0; time < variable.times; time++) {
    const ends = new Uint8Array(uri.length + 1);
    if (!matchOnce(variable, uri, starts, ends)) break;
    let added = false;
    for (let at = 0; at <= uri.length; at++) {
      if (ends[at] !== 1 || next[at] === 1) continue;
      next[at] = 1;
      added = true;
    }
    if (!added) break;
    starts = ends;
  }
  return next.includes(1);
}

/** Extends a run of value characters behind every start; runs from several starts are one walk. */
function matchOnce({ lead, without }: Variable, uri: string, starts: Uint8Array, ends: Uint8Array): boolean {
  let running = false;
  let any = false;
  for (let at = 0; at < uri.length; at++) {
    const c = uri[at];
    if (lead === '') {
      running = (running || starts[at] === 1) && c !== without;
    } else if (starts[at] === 1 && c === lead) {
      running = true;
    } else if (c === without) {
      running = false;
    }
    if (!running) continue;
    ends[at + 1] = 1;
    any = true;
  }
  return any;
}

function parse(template: string): Part[] | undefined {
  if (template.length > MAX_URI_LENGTH) return undefined;
  const parts: Part[] = [];
  let variables = 0;
  for (let at = 0; at < template.length; ) {
    const open = template.indexOf('{', at);
    const literal = template.slice(at, open < 0 ? undefined : open);
    if (literal.includes('}')) return undefined;
    if (literal !== '') parts.push(literal);
    if (open < 0) break;
    const close = template.indexOf('}', open);
    const variable = close < 0 ? undefined : parseExpression(template.slice(open + 1, close));
    if (!variable) return undefined;
    variables += variable.times;
    if (variables > MAX_VARIABLES) return undefined;
    parts.push(variable);
    at = close + 1;
  }
  return parts;
}

function parseExpression(expression: string): Variable | undefined {
  const operator = '+#./;?&'.includes(expression.charAt(0)) ? expression.charAt(0) : '';
  const names = expression.slice(operator.length);
  if (!NAMES.test(names)) return undefined;
  switch (operator) {
    case '':
      return { lead: '', optional: false, without: '/', times: 1 };
    case '+':
      return { lead: '', optional: true, without: '', times: 1 };
    case '#':
      return { lead: '#', optional: true, without: '', times: 1 };
    case '?':
    case '&':
      return { lead: operator, optional: true, without: '#', times: 1 };
    case '/':
      // An exploded list is a path of any length.
      return { lead: '/', optional: true, without: names.includes('*') ? '' : '/', times: names.split(',').length };
    default:
      return { lead: operator, optional: true, without: '/', times: 1 };
  }
}
