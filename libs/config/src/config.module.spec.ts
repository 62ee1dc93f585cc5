import { Injectable, Module } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { expect, it } from 'vitest';
import { ConfigModule } from './config.module.js';
import { LiveConfig } from './live-config.js';
import { configFrom } from './load/load-config.js';
import { GatewayConfigRef, LogConfigRef, MetricsConfigRef, ProxyConfigRef, ServerConfigRef } from './refs.js';

@Injectable()
class Consumer {
  constructor(
    readonly gateway: GatewayConfigRef,
    readonly server: ServerConfigRef,
    readonly proxy: ProxyConfigRef,
    readonly metrics: MetricsConfigRef,
    readonly log: LogConfigRef,
    readonly live: LiveConfig,
  ) {}
}

@Module({ providers: [Consumer] })
class Feature {}

it('makes every section injectable without importing the module again', async () => {
  const live = new LiveConfig(configFrom({ server: { port: 1234 } }));
  const module = await Test.createTestingModule({ imports: [ConfigModule.forRoot(live), Feature] }).compile();
  const consumer = module.get(Consumer, { strict: false });
  expect(consumer.live).toBe(live);
  expect(consumer.server).toBe(live.sections.server);
  expect(consumer.server.current.port).toBe(1234);
  expect(consumer.gateway.current).toBe(live.current);
  expect(module.get(ConfigService, { strict: false }).get('gateway.server.port')).toBe(1234);
  await module.close();
});
