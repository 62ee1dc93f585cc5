import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { buildConnector, Client, ClientDestroyedError, loadRequest } from './undici.js';

it('takes from undici the very parts that it publishes', () => {
  const published = createRequire(import.meta.url)('undici') as typeof import('undici');
  expect(Client).toBe(published.Client);
  expect(buildConnector).toBe(published.buildConnector);
  expect(ClientDestroyedError).toBe(published.errors.ClientDestroyedError);
  expect(loadRequest()).toBe(published.Pool.prototype.request);
});
