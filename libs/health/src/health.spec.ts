import 'reflect-metadata';
import { Global, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { MetricsConfig, MetricsConfigRef } from '#libs/config';
import { Secret } from '#libs/kernel';
import { GatewayLog, StatusSource, type UpstreamState, type UpstreamStatus } from '#libs/plugin';
import { HealthModule } from './index.js';
import { reportOf } from './report.js';

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

async function start(settings: Partial<MetricsConfig> = {}) {
  const config = new MetricsConfigRef(Object.assign(new MetricsConfig(), settings));
  const state = { upstreams: [] as UpstreamStatus[], started: true, draining: false };
  const lines: string[] = [];
  const say = (_: object, message: string) => void lines.push(message);
  const providers = [
    {
      provide: StatusSource,
      useValue: { upstreams: () => state.upstreams, started: () => state.started, draining: () => state.draining },
    },
    { provide: GatewayLog, useValue: { debug() {}, info: say, warn: say, error: say } },
    { provide: MetricsConfigRef, useValue: config },
  ];
  @Global()
  @Module({ providers, exports: [StatusSource, GatewayLog, MetricsConfigRef] })
  class Ports {}
  @Module({ imports: [HealthModule.register([Ports])] })
  class App {}
  const app = await NestFactory.create<NestFastifyApplication>(App, new FastifyAdapter(), { logger: false });
  apps.push(app);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const raw = async (path: string, headers: Record<string, string> = {}) => {
    const response = await request(url + path, { headers });
    return { status: response.statusCode, text: await response.body.text() };
  };
  const get = async (path: string, headers?: Record<string, string>) => {
    const { status, text } = await raw(path, headers);
    return { status, body: JSON.parse(text) as unknown };
  };
  return { state, lines, get, raw, config };
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

describe('/ready?verbose', () => {
  const minute = 60_000;
  const down: UpstreamStatus = {
    ...upstream('billing', 'unreachable', true, 'connection refused'),
    cause: 'UPSTREAM_UNREACHABLE',
    since: 1_700_000_000_000,
    nextRetry: 1_700_000_000_000 + minute,
    inFlight: 3,
    breaker: { state: 'open', openings: 2 },
  };
  const files: UpstreamStatus = {
    ...upstream('files', 'ready', false),
    era: 'legacy',
    version: '2025-11-25',
    dual: true,
    counts: { tools: 14, prompts: 1, resources: 2 },
    sessions: 2,
    processes: {
      children: [
        { pid: 4711, since: Date.now() - 2 * minute, rss: 1024, restarts: 1, service: true, running: 2 },
        { pid: 4712, since: Date.now(), rss: undefined, restarts: 0, service: false, running: 0 },
      ],
      restarts: 5,
      lastExit: { at: 1_700_000_000_000, signal: 'SIGKILL', reason: 'it was killed', stderr: 'out of memory' },
    },
  };

  it('tells everything about every upstream, and why the gateway is not ready', async () => {
    const { state, get } = await start();
    state.upstreams = [down, files];
    const { body, status } = await get('/ready?verbose');
    expect(status).toBe(503);
    expect(body).toEqual({
      status: 'error',
      reason: 'billing is unreachable: connection refused',
      time: expect.stringMatching(/^20\d\d-.*Z$/),
      checks: {
        configuration: { status: 'up' },
        traffic: { status: 'up' },
        upstreams: { status: 'down', message: 'billing is unreachable: connection refused' },
      },
      upstreams: [
        {
          name: 'billing',
          type: 'stdio',
          state: 'unreachable',
          required: true,
          reason: 'connection refused',
          cause: 'UPSTREAM_UNREACHABLE',
          since: '2023-11-14T22:13:20.000Z',
          next_retry: '2023-11-14T22:14:20.000Z',
          tools: 0,
          prompts: 0,
          resources: 0,
          sessions: 0,
          in_flight: 3,
          breaker: { state: 'open', openings: 2 },
        },
        {
          name: 'files',
          type: 'stdio',
          state: 'ready',
          required: false,
          since: '1970-01-01T00:00:00.000Z',
          era: 'both',
          version: '2025-11-25',
          tools: 14,
          prompts: 1,
          resources: 2,
          sessions: 2,
          in_flight: 0,
          breaker: { state: 'closed', openings: 0 },
          children: [
            { pid: 4711, rss: 1024, age_seconds: expect.any(Number), restarts: 1, in_flight: 2, service: true },
            { pid: 4712, age_seconds: expect.any(Number), restarts: 0, in_flight: 0, service: false },
          ],
          restarts: 5,
          last_exit: {
            at: '2023-11-14T22:13:20.000Z',
            signal: 'SIGKILL',
            reason: 'it was killed',
            stderr: 'out of memory',
          },
        },
      ],
    });
  });

  it('counts the age of a child from its start', () => {
    const now = (files.processes?.children[0]?.since ?? 0) + 90_400;
    const report = reportOf({ ready: true, checks: {} }, [files], now);
    expect(report).toMatchObject({ upstreams: [{ children: [{ age_seconds: 90 }, { age_seconds: 0 }] }] });
  });

  it('is ready with all checks up', async () => {
    const { state, get } = await start();
    state.upstreams = [files];
    expect(await get('/ready?verbose=1')).toMatchObject({
      status: 200,
      body: { status: 'ok', checks: { upstreams: { status: 'up' } }, upstreams: [{ name: 'files' }] },
    });
  });

  it('shows no secret an upstream gave back', async () => {
    const { state, raw } = await start();
    const secret = new Secret('hunter2-hunter2');
    const reason = `tools/list failed: error -32000 bad key ${secret.reveal()}`;
    state.upstreams = [
      { ...upstream('a', 'degraded', false, reason) },
      { ...upstream('b', 'unreachable', true, reason) },
      { ...files, processes: { children: [], restarts: 0, lastExit: { at: 0, reason, stderr: reason } } },
    ];
    const { text } = await raw('/ready?verbose');
    expect(text).toContain('bad key [secret]');
    expect(text).not.toContain('hunter2');
  });

  it.each([
    ['a caller behind a proxy', { 'x-forwarded-for': '203.0.113.7' }],
    ['one behind a proxy of another make', { forwarded: 'for=203.0.113.7' }],
    ['one that came via something', { via: '1.1 vegur' }],
    ['a page that gave this machine another name', { host: 'evil.example:8082' }],
    ['a page of another origin', { origin: 'https://evil.example' }],
  ])('gives %s the plain answer, byte for byte', async (_who, headers) => {
    const { state, raw } = await start();
    state.upstreams = [down];
    const plain = await raw('/ready');
    expect(await raw('/ready?verbose', headers)).toEqual(plain);
    expect(plain.text).toBe('{"status":"error"}');
  });

  it('wants the token of the metrics where there is one, from this machine too, and follows a reload', async () => {
    const { state, raw, get, config } = await start({ token: new Secret('t0ken-of-metrics') });
    state.upstreams = [files];
    const plain = await raw('/ready');
    expect(await raw('/ready?verbose')).toEqual(plain);
    for (const authorization of ['Bearer wrong', 'Basic t0ken-of-metrics']) {
      expect(await raw('/ready?verbose', { authorization })).toEqual(plain);
    }
    const proxied = { authorization: 'Bearer t0ken-of-metrics', 'x-forwarded-for': '203.0.113.7', host: 'gw.example' };
    expect(await get('/ready?verbose', proxied)).toMatchObject({ body: { upstreams: [{ name: 'files' }] } });
    config.replace(Object.assign(new MetricsConfig(), { token: new Secret('another-token') }));
    expect(await raw('/ready?verbose', proxied)).toEqual(plain);
  });

  it('is plain when it is asked to be', async () => {
    const { raw } = await start();
    const plain = await raw('/ready');
    for (const query of ['?verbose=false', '?verbose=0', '?other', '?verbose&verbose']) {
      expect(await raw(`/ready${query}`)).toEqual(plain);
    }
  });
});
