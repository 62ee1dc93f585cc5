import { PARAM_HEADER_PREFIX } from '../headers.js';
import { editMembers } from '../json/edit-members.js';
import { mayContain } from '../json/needles.js';
import { type Edit, splice } from '../json/splice.js';
import { JsonView } from '../json/view.js';
import { eachSubschema } from '../schema/subschemas.js';
import { decodeHeaderValue, encodeHeaderValue, headerEquals } from './header-values.js';

const ANNOTATION = 'x-mcp-header';
/** RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

export type ParamType = 'string' | 'integer' | 'boolean';

/** A parameter that a tool wants mirrored into a header. */
export interface ParamHeader {
  /** As the tool spells it, without `Mcp-Param-`. */
  readonly name: string;
  /** Keys from `arguments` down to the value. */
  readonly path: readonly string[];
  readonly type: ParamType;
}

/** By name in lower case. */
export type ParamHeaders = ReadonlyMap<string, ParamHeader>;

export interface ParamHeaderScan {
  readonly headers: ParamHeaders;
  /** Why the declarations make the tool invalid; `headers` is empty then. */
  readonly fault?: string;
}

const NONE: ParamHeaders = new Map();

/**
 * The `x-mcp-header` declarations of an input schema. Valid ones are non-empty tokens, unique whatever their case, on
 * properties of type string, integer or boolean that the root reaches through `properties` alone (M:http).
 */
export function scanParamHeaders(schema: JsonView): ParamHeaderScan {
  if (!mayContain(schema.raw(), `"${ANNOTATION}"`)) return { headers: NONE };
  const headers = new Map<string, ParamHeader>();
  let fault: string | undefined;
  const walk = (node: JsonView, path: readonly string[], reachable: boolean) => {
    const annotation = node.get(ANNOTATION);
    if (annotation) fault ??= declare(headers, annotation, node, path, reachable);
    eachSubschema(node, (child, keyword, name) => {
      const onward = reachable && keyword === 'properties';
      if (fault === undefined) walk(child, [...path, name ?? keyword], onward);
    });
  };
  walk(schema, [], true);
  return fault === undefined ? { headers } : { headers: NONE, fault };
}

/**
 * `Mcp-Param-*` headers for a call: one per declared parameter that is there and is not null, a string, a boolean or a
 * number that a header can carry.
 */
export function paramHeaderValues(args: JsonView | undefined, headers: ParamHeaders): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { name, path } of headers.values()) {
    const value = valueAt(args, path);
    if (value !== undefined) values[`Mcp-Param-${name}`] = encodeHeaderValue(String(value));
  }
  return values;
}

/**
 * What is wrong with a request's `Mcp-Param-*` headers, as a sentence; undefined when they agree with the arguments. A
 * parameter that is absent or null needs no header, and one that is there anyway is not looked at (M:http).
 */
export function checkParamHeaders(
  args: JsonView | undefined,
  headers: ParamHeaders,
  requestHeaders: Readonly<Record<string, string | readonly string[] | undefined>>,
): string | undefined {
  for (const [key, { name, path }] of headers) {
    const value = valueAt(args, path);
    if (value === undefined) continue;
    const raw = requestHeaders[PARAM_HEADER_PREFIX + key];
    const place = `arguments.${path.join('.')}`;
    if (raw === undefined) return `The header Mcp-Param-${name} is missing, but ${place} has a value`;
    if (typeof raw !== 'string') return `The header Mcp-Param-${name} was sent more than once`;
    if (decodeHeaderValue(raw) === undefined) return `The header Mcp-Param-${name} is not encoded as it should be`;
    if (!headerEquals(raw, value)) return `The header Mcp-Param-${name} and ${place} differ`;
  }
  return undefined;
}

/**
 * Takes every `x-mcp-header` out of a schema, or out of a tool's `inputSchema`, and leaves all other bytes alone.
 * Returns the same buffer when there is none.
 */
export function stripParamHeaders(schemaOrTool: Buffer): Buffer {
  if (!mayContain(schemaOrTool, `"${ANNOTATION}"`)) return schemaOrTool;
  const view = JsonView.of(schemaOrTool);
  const edits: Edit[] = [];
  const walk = (node: JsonView) => {
    if (node.get(ANNOTATION)) edits.push(...editMembers(node, { remove: [ANNOTATION] }));
    eachSubschema(node, walk);
  };
  const schema = view.get('inputSchema') ?? view;
  if (schema.type === 'object') walk(schema);
  return splice(schemaOrTool, edits);
}

/** Notes one declaration; returns what is wrong with it. */
function declare(
  headers: Map<string, ParamHeader>,
  annotation: JsonView,
  node: JsonView,
  path: readonly string[],
  reachable: boolean,
): string | undefined {
  const place = path.length === 0 ? 'its root' : path.join('.').slice(0, 128);
  if (!reachable || path.length === 0) return `has an x-mcp-header where none may be: ${place}`;
  const name = annotation.string();
  if (name === undefined || !TOKEN.test(name)) return `has an x-mcp-header that is not a header name: ${place}`;
  const type = node.get('type')?.string();
  if (type !== 'string' && type !== 'integer' && type !== 'boolean') {
    return `has an x-mcp-header on something else than a string, integer or boolean: ${place}`;
  }
  const key = name.toLowerCase();
  if (headers.has(key)) return `has the x-mcp-header ${name.slice(0, 64)} twice`;
  headers.set(key, { name, path, type });
  return undefined;
}

/** The value a header can say: none for null, objects, arrays and integers beyond ±(2^53-1). */
function valueAt(args: JsonView | undefined, path: readonly string[]): string | number | boolean | undefined {
  const view = args?.at(...path);
  switch (view?.type) {
    case 'string':
      return view.string();
    case 'boolean':
      return view.value() === true;
    case 'number': {
      const number = view.value() as number;
      return !Number.isFinite(number) || (Number.isInteger(number) && !Number.isSafeInteger(number))
        ? undefined
        : number;
    }
    default:
      return undefined;
  }
}
