import 'reflect-metadata';
import { Secret } from '#libs/kernel';
import { permissionPatternFlaw } from '../access/pattern.js';
import { Entries, TextList, textListValues } from '../fields/collections.js';
import { bearerFlaw, SCOPE, SCOPE_RULE, strengthFlaw } from '../fields/formats.js';
import { Choice, Flag, SecretText, Text } from '../fields/leaf.js';
import { Section, SectionMap } from '../fields/nested.js';

const SCOPES = { pattern: SCOPE, says: SCOPE_RULE } as const;
const SCOPE_LIST = { type: 'array', items: { type: 'string' } } as const;

/** One entry of `auth.permissions`. In the file a plain list of scopes means `{ scopes: [...] }`. */
export class PermissionConfig {
  @TextList({ doc: 'Scopes that allow it.', ...SCOPES })
  scopes: string[] = [];

  @Choice(['any', 'all'], {
    doc: 'How many of the scopes are needed; default: auth.options.scope_mode.',
    nullable: true,
  })
  mode: 'any' | 'all' | null = null;

  @Choice(['hide', 'challenge'], {
    doc: 'hide: as if it did not exist. challenge: listed, a call is answered with the scopes to ask for.',
  })
  on_deny: 'hide' | 'challenge' = 'hide';

  @Flag({ doc: 'Everybody may use it.' })
  public = false;
}

export class AuthOptionsConfig {
  @Choice(['any', 'all'], { doc: 'Whether one matching scope is enough or all are needed.' })
  scope_mode: 'any' | 'all' = 'any';

  @Text({ doc: 'Scope needed for what no permission matches; null denies it.', nullable: true, ...SCOPES })
  default_scope: string | null = null;
}

/** Who may use what. */
export class AuthConfig {
  @TextList({
    doc: 'Claims that mappings may read: a name, or a dotted path.',
    flaw: (claim) => (/^[^\s\p{Cc}]+$/u.test(claim) ? undefined : 'must be a claim name'),
  })
  claims: string[] = [];

  @Entries({
    doc: '"claim:value" to the scopes it grants. The claim is the longest entry of claims followed by ":".',
    ...textListValues(SCOPES),
  })
  mappings: Record<string, string[]> = {};

  @SectionMap(() => PermissionConfig, {
    doc: 'What needs which scopes: "server:tool" patterns ("n8n:*", also "prompts/n8n:*", "resources/n8n:*") to a list of scopes, or to { scopes, mode, on_deny, public }. The most specific pattern decides.',
    expand: (raw) => (Array.isArray(raw) ? { scopes: raw } : raw),
    shorthand: SCOPE_LIST,
    keyFlaw: permissionPatternFlaw,
  })
  permissions: Record<string, PermissionConfig> = {};

  @TextList({ doc: 'Patterns nobody may use; a match always wins.', flaw: permissionPatternFlaw })
  deny: string[] = [];

  @Entries({
    doc: 'A scope to the scopes it includes.',
    keyFlaw: (scope) => (SCOPE.test(scope) ? undefined : SCOPE_RULE),
    ...textListValues(SCOPES),
  })
  implies: Record<string, string[]> = {};

  @Section(() => AuthOptionsConfig, 'How scopes are compared.')
  options = new AuthOptionsConfig();
}

/** A bearer key that needs no identity provider. */
export class ApiKeyConfig {
  @Text({
    doc: 'Who this is, in logs and audit.',
    required: true,
    pattern: /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/,
    says: 'must be 1 to 64 letters, digits, ".", "_", "@" or "-"',
  })
  name!: string;

  @SecretText({
    doc: 'The key. At least 32 characters, printable ASCII without blanks, as it travels in a header.',
    required: true,
    flaw: (key) => strengthFlaw(key) ?? bearerFlaw(key),
  })
  key!: Secret;

  @Entries({
    doc: 'Claims of its holder, as a token would carry them.',
    valueFlaws: (value) => (isClaim(value) ? undefined : 'must be text, a number, true or false, or a list of these'),
    valueSchema: {},
  })
  claims: Record<string, unknown> = {};
}

function isClaim(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((entry) => !Array.isArray(entry) && isClaim(entry));
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
