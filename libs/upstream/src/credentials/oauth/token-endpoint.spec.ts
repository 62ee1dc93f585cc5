import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EgressClient, EgressGuard } from '#libs/egress';
import { Authority } from '../../testing/authority.js';
import { recordingLog } from '../../testing/registries.js';
import { type Got, sendJson } from '../../testing/scripted-server.js';
import { TokenError } from './token-cache.js';
import { askForToken, type ClientAuth } from './token-endpoint.js';

let authority: Authority;
let egress: EgressClient;
let logged: ReturnType<typeof recordingLog>;

beforeEach(async () => {
  authority = await Authority.start();
  egress = new EgressClient(new EgressGuard());
  logged = recordingLog();
});

afterEach(async () => {
  await egress.close();
  await authority.close();
});

const ID = 'gate way:1';
const SECRET = 'p%c+d e&f-client-secret';

function ask(auth: ClientAuth = 'basic', form: Record<string, string | undefined> = {}, secrets: string[] = []) {
  const client = { url: authority.tokenUrl, trust: 'operator', id: ID, secret: SECRET, auth } as const;
  const question = { form: { grant_type: 'client_credentials', ...form }, secrets, server: 'n8n', log: logged.log };
  return askForToken(egress, client, question);
}

async function refusal(...args: Parameters<typeof ask>): Promise<TokenError> {
  const thrown = await ask(...args).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(TokenError);
  return thrown as TokenError;
}

describe('a client of a token endpoint', () => {
  it.each<[ClientAuth, string | undefined, Record<string, string>]>([
    [
      'basic',
      `Basic ${Buffer.from('gate+way%3A1:p%25c%2Bd+e%26f-client-secret').toString('base64')}`,
      { grant_type: 'client_credentials' },
    ],
    ['basic_raw', `Basic ${Buffer.from(`${ID}:${SECRET}`).toString('base64')}`, { grant_type: 'client_credentials' }],
    ['post', undefined, { grant_type: 'client_credentials', client_id: ID, client_secret: SECRET }],
    ['none', undefined, { grant_type: 'client_credentials', client_id: ID }],
  ])('shows who it is by %s', async (auth, authorization, form) => {
    await ask(auth);
    const [{ headers, method } = {} as Got] = authority.asked;
    expect(method).toBe('POST');
    expect(headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(headers.authorization).toBe(authorization);
    expect(authority.forms).toEqual([form]);
  });

  it('sends what has a value and nothing else', async () => {
    await ask('post', { scope: 'a b', resource: undefined, audience: 'https://api.example.com/?x=1&y=2' });
    expect(authority.forms[0]).toMatchObject({ scope: 'a b', audience: 'https://api.example.com/?x=1&y=2' });
    expect(authority.forms[0]).not.toHaveProperty('resource');
  });

  it.each<[object, number | undefined]>([
    [{ expires_in: 90 }, 90_000],
    [{ expires_in: '90' }, 90_000],
    [{ expires_in: undefined }, undefined],
    [{ expires_in: -1 }, undefined],
    [{ expires_in: 'soon' }, undefined],
    [{ expires_in: 1e300 }, 365 * 24 * 3_600_000],
    [{ token_type: 'bearer', expires_in: 1 }, 1_000],
  ])('reads the life of a token from %j', async (grant, life) => {
    authority.grant = grant as Record<string, unknown>;
    expect(await ask()).toMatchObject({ token: 't1', life });
  });
});

describe('an answer that is no token', () => {
  it.each<[string, object, RegExp]>([
    ['without one', { access_token: undefined }, /without a token that can be sent/],
    ['with a number', { access_token: 5 }, /without a token that can be sent/],
    ['with an empty one', { access_token: '' }, /without a token that can be sent/],
    ['with a line break in it', { access_token: 'a\r\nx-admin: 1' }, /without a token that can be sent/],
    ['with characters no token has', { access_token: 'a b' }, /without a token that can be sent/],
    ['with one too long', { access_token: 'a'.repeat(20_000) }, /without a token that can be sent/],
    ['of another type', { token_type: 'DPoP' }, /another type than Bearer/],
    ['of no type', { token_type: undefined }, /another type than Bearer/],
    ['of type N_A', { token_type: 'N_A' }, /another type than Bearer/],
  ])('%s is refused', async (_name, grant, message) => {
    authority.grant = grant as Record<string, unknown>;
    expect(await refusal()).toMatchObject({ kind: 'refused', message: expect.stringMatching(message) });
  });

  it.each<[string, (response: import('node:http').ServerResponse) => void, string, RegExp]>([
    ['a web page', (r) => void r.writeHead(200, { 'content-type': 'text/html' }).end('<html>'), 'refused', /HTTP 200/],
    ['a list', (r) => sendJson(r, '[]'), 'refused', /HTTP 200/],
    ['an error', (r) => sendJson(r, '{"error":"invalid_scope"}', 400), 'refused', /invalid_scope/],
    ['invalid_client', (r) => sendJson(r, '{"error":"invalid_client"}', 401), 'rejected', /invalid_client/],
    ['unauthorized_client', (r) => sendJson(r, '{"error":"unauthorized_client"}', 400), 'rejected', /unauthorized/],
    ['a bare 401', (r) => void r.writeHead(401).end(), 'rejected', /HTTP 401/],
    ['a bare 429', (r) => void r.writeHead(429).end(), 'unavailable', /HTTP 429/],
    ['a bare 503', (r) => void r.writeHead(503).end(), 'unavailable', /HTTP 503/],
    ['server_error', (r) => sendJson(r, '{"error":"server_error"}', 400), 'unavailable', /server_error/],
    ['an error of its own spelling', (r) => sendJson(r, '{"error":"<b>x</b>"}', 400), 'refused', /HTTP 400/],
    ['a broken connection', (r) => void r.destroy(), 'unavailable', /cannot be reached/],
    ['70 KB', (r) => sendJson(r, JSON.stringify({ access_token: 'a'.repeat(70_000) })), 'unavailable', /more than/],
    ['a redirect', (r) => void r.writeHead(307, { location: 'http://127.0.0.1:9/token' }).end(), 'refused', /redirect/],
  ])('%s is explained', async (_name, answer, kind, message) => {
    authority.intercept = (_got, response) => {
      answer(response);
      return true;
    };
    expect(await refusal()).toMatchObject({ kind, message: expect.stringMatching(message) });
    expect(authority.got).toHaveLength(1);
  });

  it('T132: repeats no secret it was given back, neither in its error nor in the log', async () => {
    const subject = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.sig-of-alice';
    const encoded = new URLSearchParams([['s', SECRET]]).toString().slice(2);
    authority.intercept = (_got, response) => {
      const said = `bad ${SECRET} ${encoded} ${subject} at https://u:p@as.example/cb?code=abc123\nat Foo (/srv/app.js:1)`;
      sendJson(response, JSON.stringify({ error: 'invalid_request', error_description: said.repeat(20) }), 400);
      return true;
    };
    const error = await refusal('post', { subject_token: subject }, [subject]);
    expect(error.message).toBe(`${authority.issuer} issued no token (invalid_request)`);
    const lines = JSON.stringify(logged.lines);
    expect(lines).toContain('invalid_request');
    for (const hidden of [SECRET, encoded, subject, 'sig-of-alice', 'abc123', 'u:p', 'app.js']) {
      expect(lines).not.toContain(hidden);
    }
    const said = String(logged.lines[0]?.fields['said']);
    expect(said).toMatch(/^bad \[secret\] \[secret\] \[secret\] at https:\/\/as\.example\/cb/);
    expect(said.length).toBeLessThanOrEqual(201);
  });
});
