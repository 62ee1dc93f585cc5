import { AuthConfig, configFrom, OauthConfig, PermissionConfig } from '#libs/config';
import { type ObjectKind, type Principal, principal } from '#libs/kernel';
import { Policy, type PolicyConfig } from '../policy.js';

const ISSUER = 'https://idp.example.com';

/** The sections a policy is made of, as if callers came with tokens of an identity provider. */
export function policyConfig(auth: object, oauth = true): PolicyConfig {
  const section = oauth ? { enabled: true, authorization_servers: [ISSUER] } : {};
  return configFrom({ auth, oauth: section }).config;
}

export function policyOf(auth: object, oauth = true): Policy {
  return new Policy(policyConfig(auth, oauth));
}

/** Sections of an `auth` in full that was made for many policies in a row: nothing is checked, so it has to be right. */
export function uncheckedConfig(auth: Readonly<Record<string, unknown>>): PolicyConfig {
  const permissions = Object.entries(auth['permissions'] ?? {}).map(
    ([pattern, rule]) => [pattern, Object.assign(new PermissionConfig(), rule)] as const,
  );
  const section = Object.assign(new AuthConfig(), auth, { permissions: Object.fromEntries(permissions) });
  return { auth: section, oauth: Object.assign(new OauthConfig(), { enabled: true }), api_keys: [] };
}

let callers = 0;

export function caller(claims: Readonly<Record<string, unknown>> = {}): Principal {
  return principal(ISSUER, `caller-${++callers}`, { claims });
}

/** `n8n:x`, `prompts/n8n:x`. */
export function thing(text: string, kind: ObjectKind = 'tool') {
  const colon = text.indexOf(':');
  return { kind, server: text.slice(0, colon), name: text.slice(colon + 1) };
}
