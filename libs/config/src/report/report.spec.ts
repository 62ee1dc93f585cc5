import { describe, expect, it } from 'vitest';
import { loadText } from '../testing/load-text.js';
import { listenProblem } from './listen.js';

const STRONG = 'abcdefghijklmnopqrstuvwxyz0123456789';

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
