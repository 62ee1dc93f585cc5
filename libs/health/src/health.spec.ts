import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { GatewayLog, StatusSource, type UpstreamState, type UpstreamStatus } from '#libs/plugin';
import { HealthModule } from './index.js';

const apps: NestFastifyApplication[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

function upstream(name: string, state: UpstreamState, required: boolean, reason?: string): UpstreamStatus {
  const counts = { tools: 0, prompts: 0, resources: 0 };
  return {
    name,
    type: 'stdio',
    state,
    since: 0,
    required,
    counts,
    sessions: 0,
    pids: [],
    inFlight: 0,
    breaker: { state: 'closed', openings: 0 },
    ...(reason ? { reason } : {}),
  };
}

async function start() {
  const state = { upstreams: [] as UpstreamStatus[], started: true, draining: false };
  const lines: string[] = [];
  const say = (_: object, message: string) => void lines.push(message);
  const providers = [
    {
      provide: StatusSource,
      useValue: { upstreams: () => state.upstreams, started: () => state.started, draining: () => state.draining },
    },
    { provide: GatewayLog, useValue: { debug() {}, info: say, warn: say, error: say } },
  ];
  @Module({ providers, exports: [StatusSource, GatewayLog] })
  class Ports {}
  @Module({ imports: [HealthModule.register([Ports])] })
  class App {}
  const app = await NestFactory.create<NestFastifyApplication>(App, new FastifyAdapter(), { logger: false });
  apps.push(app);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const get = async (path: string) => {
    const response = await request(url + path);
    return { status: response.statusCode, body: await response.body.json() };
  };
  return { state, lines, get };
}

describe('/live', () => {
  it('is ok whatever upstreams do', async () => {
    const { state, get } = await start();
    Object.assign(state, { upstreams: [upstream('files', 'unreachable', true)], started: false, draining: true });
    expect(await get('/live')).toEqual({ status: 200, body: { status: 'ok' } });
  });
});

describe('/ready', () => {
  it('is ok while every required upstream serves, whatever the others do', async () => {
    const { state, get } = await start();
    state.upstreams = [
      upstream('a', 'ready', true),
      upstream('b', 'degraded', true, 'slow'),
      upstream('c', 'unreachable', false),
      upstream('d', 'connecting', false),
      upstream('e', 'disabled', true),
    ];
    expect(await get('/ready')).toEqual({ status: 200, body: { status: 'ok' } });
  });

  it('names the missing upstream in the log, once, and nothing in public', async () => {
    const { state, lines, get } = await start();
    state.upstreams = [upstream('billing', 'unreachable', true, 'connection refused')];
    expect(await get('/ready')).toEqual({ status: 503, body: { status: 'error' } });
    await get('/ready');
    expect(lines).toEqual(['not ready: billing is unreachable: connection refused']);
    state.upstreams = [upstream('billing', 'ready', true)];
    expect((await get('/ready')).status).toBe(200);
    expect(lines.at(-1)).toBe('ready');
  });

  it('fails before the configuration is applied and while draining', async () => {
    const { state, get } = await start();
    state.started = false;
    expect((await get('/ready')).status).toBe(503);
    state.started = true;
    expect((await get('/ready')).status).toBe(200);
    state.draining = true;
    expect((await get('/ready')).status).toBe(503);
  });
});
