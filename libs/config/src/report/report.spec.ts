import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadText } from '../testing/load-text.js';
import { ignoredSettings } from './ignored.js';
import { listenProblem } from './listen.js';

const STRONG = 'abcdefghijklmnopqrstuvwxyz0123456789';
const ignored = (text: string) => ignoredSettings(loadText(text).config).map(({ path }) => path);

describe('settings this build does not have', () => {
  it('are none in a plain configuration, toolsets and tool selections included', () => {
    const text =
      'proxy: { servers: [{ name: a, type: in-process, tools: { include: [x], exclude: [y] } }], toolsets: { t: { include: ["a:*"] } } }';
    expect(ignored(text)).toEqual([]);
    expect(ignored('oauth: { provider: okta }\nauth: { claims: [groups], implies: { a: [b] } }')).toEqual([]);
  });

  it('are none in the published examples', () => {
    const path = join(import.meta.dirname, '../../../../config/examples/published-1.yaml');
    const text = readFileSync(path, 'utf8').replaceAll(/\$\{\w+\}/g, 'https://a.example.com/x');
    expect(ignored(text)).toEqual([]);
  });

  it.each([
    [
      'proxy: { servers: [{ name: a, type: in-process, tools: { overrides: { x: {} } } }] }',
      '$.proxy.servers[0].tools.overrides',
    ],
  ])('are ignored: %s', (text, path) => {
    expect(ignored(text)).toEqual([path]);
  });
});

describe('listening', () => {
  it.each(['127.0.0.1', '127.8.8.8', 'localhost', '"::1"', '"[::1]"'])('is free on %s', (host) => {
    expect(listenProblem(loadText(`server: { host: ${host} }`).config)).toBeUndefined();
  });

  it.each(['0.0.0.0', '"::"', '192.168.1.1', 'gateway.example.com', '128.0.0.1'])(
    'needs a word about callers on %s',
    (host) => {
      expect(listenProblem(loadText(`server: { host: ${host} }`).config)?.message).toMatch(/allow_anonymous: true/);
      expect(listenProblem(loadText(`server: { host: ${host}, allow_anonymous: true }`).config)).toBeUndefined();
      expect(
        listenProblem(loadText(`server: { host: ${host} }\napi_keys: [{ name: a, key: ${STRONG} }]`).config),
      ).toBeUndefined();
    },
  );
});
