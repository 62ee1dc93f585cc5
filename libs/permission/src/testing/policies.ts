import { configFrom } from '#libs/config';
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

let callers = 0;

export function caller(claims: Readonly<Record<string, unknown>> = {}): Principal {
  return principal(ISSUER, `caller-${++callers}`, { claims });
}

/** `n8n:x`, `prompts/n8n:x`. */
export function thing(text: string, kind: ObjectKind = 'tool') {
  const colon = text.indexOf(':');
  return { kind, server: text.slice(0, colon), name: text.slice(colon + 1) };
}
