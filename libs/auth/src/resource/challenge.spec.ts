import { describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode, GatewayError } from '#libs/kernel';
import { type ChallengeContext, challengeFor, oauthError } from './challenge.js';

const METADATA = 'https://gw.example/.well-known/oauth-protected-resource/mcp';
const OAUTH: ChallengeContext = { metadata: METADATA, baseline: ['mcp', 'tools'], asked: (scopes) => scopes };
const KEYS_ONLY: ChallengeContext = { ...OAUTH, metadata: undefined };

const challenge = (code: ErrorCode, context = OAUTH, data: Record<string, unknown> = {}) =>
  challengeFor(new GatewayError(code, 'n8n:secret', { data }), context);

describe('challengeFor', () => {
  it('asks for a token, without an error, where none was sent', () => {
    expect(challenge('UNAUTHENTICATED')).toBe(`Bearer resource_metadata="${METADATA}", scope="mcp tools"`);
    expect(challenge('UNAUTHENTICATED', { ...OAUTH, baseline: [] })).toBe(`Bearer resource_metadata="${METADATA}"`);
  });

  it('says of every bad token the same', () => {
    expect(challenge('TOKEN_INVALID')).toBe(
      `Bearer error="invalid_token", error_description="The access token is invalid", resource_metadata="${METADATA}", scope="mcp tools"`,
    );
  });

  it('says that credentials are malformed', () => {
    expect(challenge('CREDENTIALS_MALFORMED')).toBe(`Bearer error="invalid_request", resource_metadata="${METADATA}"`);
  });

  it('names all scopes of an operation at once, spelled for the authorization server', () => {
    const asked = (scopes: readonly string[]) => scopes.map((scope) => `api://gw/${scope}`);
    expect(challenge('INSUFFICIENT_SCOPE', { ...OAUTH, asked }, { scopes: ['n8n:read', 'n8n:write'] })).toBe(
      `Bearer error="insufficient_scope", scope="api://gw/n8n:read api://gw/n8n:write", resource_metadata="${METADATA}", error_description="Additional scope required"`,
    );
  });

  it('names no metadata where no authorization server is configured', () => {
    expect(challenge('UNAUTHENTICATED', KEYS_ONLY)).toBe('Bearer');
    expect(challenge('TOKEN_INVALID', KEYS_ONLY)).toBe(
      'Bearer error="invalid_token", error_description="The access token is invalid"',
    );
    expect(challenge('CREDENTIALS_MALFORMED', KEYS_ONLY)).toBe('Bearer error="invalid_request"');
  });

  it('lets nothing out of its quotes', () => {
    const scopes = ['ok', 'a"b', 'a\\b', 'a b', 'é', 'x\r\nSet-Cookie: a=b', '', 5, 'ok'];
    expect(challenge('INSUFFICIENT_SCOPE', KEYS_ONLY, { scopes })).toBe(
      'Bearer error="insufficient_scope", scope="ok", error_description="Additional scope required"',
    );
    const metadata = 'https://gw.example/\r\n"\\\u00e9\u0000';
    expect(challenge('UNAUTHENTICATED', { ...OAUTH, metadata, baseline: [] })).toBe(
      'Bearer resource_metadata="https://gw.example/"',
    );
  });

  it('starts no login where one would not help', () => {
    const challenged = ['UNAUTHENTICATED', 'TOKEN_INVALID', 'CREDENTIALS_MALFORMED', 'INSUFFICIENT_SCOPE'];
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      if (!challenged.includes(code)) expect(challenge(code), code).toBeUndefined();
    }
  });
});

describe('oauthError', () => {
  it('has constant texts, whatever the failure says of itself', () => {
    const errors = Object.keys(ERRORS).flatMap((code) => {
      const body = oauthError(new GatewayError(code as ErrorCode, 'n8n:secret'));
      return body ? [[code, body.error, body.error_description]] : [];
    });
    expect(errors.map(([code, error]) => [code, error])).toEqual([
      ['UNAUTHENTICATED', 'unauthorized'],
      ['TOKEN_INVALID', 'invalid_token'],
      ['CREDENTIALS_MALFORMED', 'invalid_request'],
      ['INSUFFICIENT_SCOPE', 'insufficient_scope'],
      ['ACCESS_DENIED', 'access_denied'],
    ]);
    expect(JSON.stringify(errors)).not.toContain('n8n:secret');
  });
});
