import { afterEach } from 'vitest';
import type { FakeHandler } from './fake-proxy.js';
import { TestGateway, type TestGatewayOptions } from './gateway.js';

export type StartGateway = (
  handlers?: Record<string, FakeHandler>,
  options?: TestGatewayOptions,
) => Promise<TestGateway>;

/** Starts gateways that are closed after each test of the file. */
export function gateways(): StartGateway {
  const open: TestGateway[] = [];
  afterEach(async () => {
    for (const gateway of open.splice(0)) await gateway.close();
  });
  return async (handlers = {}, options = {}) => {
    const gateway = await TestGateway.start(options);
    open.push(gateway);
    for (const [method, handler] of Object.entries(handlers)) gateway.proxy.handlers.set(method, handler);
    return gateway;
  };
}
