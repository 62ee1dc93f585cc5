import { createHmac } from 'node:crypto';
import { ANONYMOUS, principal, Secret } from 'mcp-gateway/plugin';
import { describeUpstreamCredential, testTarget } from 'mcp-gateway/plugin/testing';
import { expect, it } from 'vitest';
import { SignedCaller } from './index.js';

const KEY = 'a key that is shared with orders, 36';
const settings = { key: new Secret(KEY) };
const target = testTarget({ name: 'orders' });

describeUpstreamCredential('signed-caller', () => ({ credential: new SignedCaller(), settings }));

const read = ({ headers }) => JSON.parse(Buffer.from(headers['x-caller'], 'base64url').toString());

it('signs who is calling, for this upstream', () => {
  const ada = principal('https://idp.example', 'ada');
  const outcome = new SignedCaller().headers(target, settings, ada);
  expect(read(outcome)).toMatchObject({ iss: 'https://idp.example', sub: 'ada', aud: 'orders' });
  const { 'x-caller': text, 'x-caller-signature': signature } = outcome.headers;
  expect(signature).toBe(createHmac('sha256', KEY).update(text).digest('base64url'));
});

it('signs for the gateway itself, and for nobody unknown', () => {
  expect(read(new SignedCaller().headers(target, settings, undefined))).toMatchObject({ service: 'mcp-gateway' });
  expect(new SignedCaller().headers(target, settings, ANONYMOUS)).toMatchObject({ kind: 'missing' });
});
