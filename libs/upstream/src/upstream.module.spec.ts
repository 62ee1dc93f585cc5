import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { expect, it } from 'vitest';
import { Extension, InProcessServer } from '#libs/plugin';
import { UpstreamModule, UpstreamRegistry } from './index.js';
import { createLabServer, LAB_SERVER } from './testing/lab-server.js';
import { proxyOf, serverOf } from './testing/registries.js';
import { WayOutModule } from './testing/way-out.module.js';

@Extension(InProcessServer, { name: 'lab', api: '1.0' })
class Lab extends InProcessServer {
  create() {
    return createLabServer().server as never;
  }
}

@Module({ providers: [Lab] })
class LabModule {}

it('the module finds built-in transports and credentials by discovery', async () => {
  const nest = await Test.createTestingModule({ imports: [WayOutModule, UpstreamModule, LabModule] }).compile();
  await nest.init();
  const registry = nest.get(UpstreamRegistry);
  registry.apply(proxyOf([serverOf('lab', 'in-process')]), { sharedAnonymous: true, version: '1' });
  await registry.settled(10_000);
  expect(registry.get('lab')?.status).toMatchObject({ state: 'ready', type: 'in-process' });
  await registry.stop(0);
  await nest.close();
});

it('counts the children of its stdio transport against the configured bound', async () => {
  const nest = await Test.createTestingModule({ imports: [WayOutModule, UpstreamModule] }).compile();
  await nest.init();
  const registry = nest.get(UpstreamRegistry);
  const child = { command: process.execPath, args: [LAB_SERVER] };
  const servers = [serverOf('one', 'stdio', child, { protocol: 'legacy' })];
  registry.apply(proxyOf(servers, { max_children: 1 }), { sharedAnonymous: true, version: '1' });
  await registry.settled(30_000);
  servers.push(serverOf('two', 'stdio', child, { protocol: 'legacy' }));
  registry.apply(proxyOf(servers, { max_children: 1 }), { sharedAnonymous: true, version: '1' });
  await registry.settled(30_000);
  expect(registry.get('one')?.status.state).toBe('ready');
  expect(registry.get('two')?.status).toMatchObject({ state: 'unreachable', processes: { children: [] } });
  expect(registry.get('two')?.status.reason).toContain('proxy.max_children');
  await registry.stop(0);
  await nest.close();
});

it('an unknown transport makes its upstream unreachable, with the names there are', async () => {
  const nest = await Test.createTestingModule({ imports: [WayOutModule, UpstreamModule] }).compile();
  await nest.init();
  const registry = nest.get(UpstreamRegistry);
  registry.apply(proxyOf([serverOf('lab', 'carrier-pigeon')]), { sharedAnonymous: true, version: '1' });
  await registry.settled(10_000);
  expect(registry.get('lab')?.status.reason).toMatch(/carrier-pigeon.*in-process, sse, stdio, streamable-http/);
  await registry.stop(0);
  await nest.close();
});

it('does not come up without a guard on the way out', async () => {
  const assembled = Test.createTestingModule({ imports: [UpstreamModule] }).compile();
  await expect(assembled).rejects.toThrow(/EgressGuard|EgressClient/);
});
