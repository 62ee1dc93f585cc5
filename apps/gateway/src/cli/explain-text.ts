import type { Explanation, RuleReason } from '#libs/permission';

const TYPES = { tool: '', prompt: 'prompts/', resource: 'resources/', template: 'templates/' } as const;

/** An explanation as lines for people. */
export function explainText(explanation: Explanation, caller: string): string[] {
  const { object, decision, grants, rules, overruled } = explanation;
  const lines = [
    `${TYPES[object.kind]}${object.server}:${object.name}`,
    row('for', caller),
    row('outcome', outcome(explanation)),
    row('decided by', decision.rule),
    ...rules.map((rule) => row('', ruleText(rule))),
    ...rows('scopes', grants.map(grantText), 'none: no mapping fits the claims'),
  ];
  if (overruled.length > 0) lines.push(...rows('overruled', overruled, ''));
  return lines;
}

function outcome({ decision }: Explanation): string {
  switch (decision.effect) {
    case 'allow':
      return 'allowed: listed, and a use reaches the server';
    case 'challenge':
      return `step-up: listed, and a use is refused with 403 and scope="${decision.scopes.join(' ')}"`;
    case 'hide':
      return 'hidden: not listed, and a use is answered as if it did not exist';
  }
}

function ruleText({
  pattern,
  scopes,
  mode,
  public: isPublic,
  passed,
  missing,
  unobtainable,
  onDeny,
}: RuleReason): string {
  if (isPublic) return `${pattern} is public`;
  if (scopes.length === 0) return `${pattern} has no scopes, which nobody can fulfil`;
  const needs = `${pattern} needs ${scopes.length > 1 ? `${mode} of ` : ''}${scopes.join(', ')}`;
  if (passed) return `${needs}: fulfilled`;
  const lacks = `${needs}: missing ${missing.join(', ')}`;
  if (onDeny === 'hide' || unobtainable.length === 0) return lacks;
  return `${lacks}; no client can ask for ${unobtainable.join(', ')} (no scope: or scp: mapping grants it)`;
}

function grantText({ scope, mappings, impliedBy }: Explanation['grants'][number]): string {
  const from = [...mappings.map((key) => `mapping ${key}`), ...impliedBy.map((other) => `implied by ${other}`)];
  return `${scope} (${from.join(', ')})`;
}

function rows(name: string, values: readonly string[], none: string): string[] {
  if (values.length === 0) return [row(name, none)];
  return values.map((value, index) => row(index === 0 ? name : '', value));
}

function row(name: string, value: string): string {
  return `  ${name.padEnd(12)}${value}`;
}
