import type { ErrorCode, GatewayError } from '#libs/kernel';

/** What a challenge says besides the reason. */
export interface ChallengeContext {
  /** URL of the protected-resource metadata; undefined where no authorization server is configured. */
  readonly metadata: string | undefined;
  /** Scopes every client needs, as the authorization server wants to be asked for them. */
  readonly baseline: readonly string[];
  /** Spells scopes that permissions name as the authorization server wants to be asked for them. */
  readonly asked: (scopes: readonly string[]) => readonly string[];
}

/** The body of a refusal in OAuth's own form. */
export interface OauthError {
  readonly error: string;
  readonly error_description: string;
}

/** One constant text for each: why a token is no good, or what was asked for, is told to nobody but the operator. */
const REFUSALS: { readonly [code in ErrorCode]?: OauthError } = {
  UNAUTHENTICATED: { error: 'unauthorized', error_description: 'This endpoint needs credentials' },
  TOKEN_INVALID: { error: 'invalid_token', error_description: 'The access token is invalid' },
  CREDENTIALS_MALFORMED: {
    error: 'invalid_request',
    error_description: 'The credentials are malformed; send exactly one, in one Authorization header',
  },
  INSUFFICIENT_SCOPE: { error: 'insufficient_scope', error_description: 'Additional scope required' },
  ACCESS_DENIED: { error: 'access_denied', error_description: 'Access denied' },
};

/** What an answer about credentials or rights has for a body; undefined for all other failures. */
export function oauthError({ code }: GatewayError): OauthError | undefined {
  return REFUSALS[code];
}

/**
 * The `WWW-Authenticate` header of a refusal (RFC 6750, RFC 9728); undefined for failures that other credentials would
 * not mend.
 */
export function challengeFor(
  failure: GatewayError,
  { metadata, baseline, asked }: ChallengeContext,
): string | undefined {
  const refusal = REFUSALS[failure.code];
  if (!refusal) return undefined;
  const error: Parameter = ['error', refusal.error];
  const description: Parameter = ['error_description', refusal.error_description];
  const where: Parameter = ['resource_metadata', metadata];
  const usual: Parameter = ['scope', metadata && scopeText(baseline)];
  switch (failure.code) {
    case 'UNAUTHENTICATED':
      // No `error`: nothing was presented that could be wrong (RFC 6750, 3.1).
      return bearer(where, usual);
    case 'TOKEN_INVALID':
      return bearer(error, description, where, usual);
    case 'CREDENTIALS_MALFORMED':
      return bearer(error, where);
    case 'INSUFFICIENT_SCOPE':
      // All scopes at once, so that one step up is enough (RS-13).
      return bearer(error, ['scope', scopeText(asked(scopesOf(failure)))], where, description);
    default:
      return undefined;
  }
}

type Parameter = readonly [name: string, value: string | undefined];

/** First of all challenges, and all values quoted: clients look no further than this (RS-12). */
function bearer(...parameters: readonly Parameter[]): string {
  const given = parameters.flatMap(([name, value]) => (value ? [`${name}="${cleaned(value)}"`] : []));
  return given.length > 0 ? `Bearer ${given.join(', ')}` : 'Bearer';
}

/** What may stand between quotes unescaped: visible ASCII and blanks, no quote, no backslash. */
function cleaned(value: string): string {
  return value.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '');
}

/** What is no scope (RFC 6749, 3.3) is left out, and so is a second mention. */
function scopeText(scopes: readonly string[]): string {
  return [...new Set(scopes)].filter((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)).join(' ');
}

function scopesOf({ data: { scopes } }: GatewayError): readonly string[] {
  return Array.isArray(scopes) ? scopes.filter((scope) => typeof scope === 'string') : [];
}
