import 'reflect-metadata';
import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { MetricsConfig, MetricsConfigRef } from '#libs/config';
import { Secret, SILENT } from '#libs/kernel';
import { GatewayLog, type UpstreamStatus } from '#libs/plugin';
import { GatewayMetrics, MetricsListener, MetricsModule } from './index.js';
import { MAX_SERIES, ToolSeries } from './series.js';

const apps: NestFastifyApplication[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

@Module({})
class Surroundings {}

function surroundings(config: MetricsConfigRef): DynamicModule {
  const providers = [
    { provide: MetricsConfigRef, useValue: config },
    { provide: GatewayLog, useValue: SILENT },
  ];
  return { module: Surroundings, global: true, providers, exports: [MetricsConfigRef, GatewayLog] };
}

async function start(settings: Partial<MetricsConfig> = {}) {
  const config = new MetricsConfigRef(Object.assign(new MetricsConfig(), settings));
  @Module({ imports: [surroundings(config), MetricsModule.forRoot({ config, version: '1.2.3' })] })
  class App {}
  const app = await NestFactory.create<NestFastifyApplication>(App, new FastifyAdapter(), { logger: false });
  apps.push(app);
  await app.listen(0, '127.0.0.1');
  return { app, config, url: await app.getUrl(), metrics: app.get(GatewayMetrics) };
}

async function scrape(url: string, headers: Record<string, string> = {}) {
  const response = await request(url, { headers });
  return { status: response.statusCode, headers: response.headers, body: await response.body.text() };
}

describe('metrics', () => {
  it('are served with their published names and labels', async () => {
    const { url, metrics } = await start();
    metrics.toolCalled('files', 'read');
    metrics.toolFinished('files', 'read', 'success', 0.02);
    metrics.toolCalled('files', 'read');
    metrics.toolFinished('files', 'read', 'error', 1.5);
    metrics.listed('all');
    metrics.requested('modern', '2026-07-28');
    metrics.tolerated('version-header-mismatch');
    metrics.limited('server.limits.body', '');
    metrics.limited('rate_limit[].limit', 'principal n8n:*');
    const { status, headers, body } = await scrape(`${url}/metrics`);
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('text/plain; version=0.0.4');
    expect(body).toContain('mcp_gateway_tools_called{tool="read",proxy="files"} 2\n');
    expect(body).toContain('mcp_gateway_tools_call_success{tool="read",proxy="files"} 1\n');
    expect(body).toContain('mcp_gateway_tools_call_errors{tool="read",proxy="files"} 1\n');
    expect(body).toContain('mcp_gateway_list_tools{proxy="all"} 1\n');
    expect(body).toContain('mcp_gateway_client_requests{era="modern",version="2026-07-28"} 1\n');
    expect(body).toContain('mcp_gateway_limits_reached{limit="server.limits.body",rule=""} 1\n');
    expect(body).toContain('mcp_gateway_limits_reached{limit="rate_limit[].limit",rule="principal n8n:*"} 1\n');
    expect(body).toContain('mcp_gateway_client_faults_tolerated{fault="version-header-mismatch"} 1\n');
    expect(body).toContain(
      'mcp_gateway_tool_call_duration_seconds_bucket{le="0.025",proxy="files",outcome="success"} 1\n',
    );
    expect(body).toContain('mcp_gateway_info{version="1.2.3"} 1\n');
    expect((await scrape(`${url}/metrics`)).body).toContain('mcp_gateway_tools_called{tool="read",proxy="files"} 2\n');
  });

  it('ask each upstream how it stands once in a scrape, however many metrics tell of it', async () => {
    const { url, metrics } = await start();
    let asked = 0;
    const frontDoor = {
      ...{ sessions: () => 0, streams: () => 0, parked: () => 0 },
      ...{ inFlight: () => 0, bytesInFlight: () => 0, loopDelay: () => 0 },
    };
    const upstreams = () => {
      asked += 1;
      return [];
    };
    metrics.attach({ status: { upstreams }, frontDoor, audit: { lost: 0, leftOut: 0 } });
    await scrape(`${url}/metrics`);
    await scrape(`${url}/metrics`);
    expect(asked).toBe(2);
  });

  it('count a tool that is called like the rest of them with the rest, as one series', async () => {
    const metrics = new GatewayMetrics('1', 2);
    for (const [server, tool] of [
      ['files', 'read'],
      ['other', 'other'],
      ['files', 'write'],
    ] as const) {
      metrics.toolCalled(server, tool);
    }
    const called = (await metrics.registry.metrics()).match(/^mcp_gateway_tools_called\{.*$/gm);
    expect(called).toEqual([
      'mcp_gateway_tools_called{tool="other",proxy="other"} 2',
      'mcp_gateway_tools_called{tool="read",proxy="files"} 1',
    ]);
  });

  it('show state, sessions, streams and catalogue size as they are at the scrape', async () => {
    const { url, metrics } = await start();
    expect((await scrape(`${url}/metrics`)).body).not.toContain('mcp_gateway_upstream_state{');
    let upstreams: UpstreamStatus[] = [
      {
        name: 'files',
        type: 'stdio',
        state: 'degraded',
        since: 0,
        required: false,
        era: 'modern',
        version: '2026-07-28',
        dual: true,
        counts: { tools: 14, prompts: 0, resources: 2 },
        sessions: 3,
        pids: [],
        nextRetry: Date.now() - 1,
        inFlight: 4,
        breaker: { state: 'half_open', openings: 2 },
        processes: {
          children: [
            { pid: 1, since: 0, rss: 1000, restarts: 0, service: true, running: 0 },
            { pid: 2, since: 0, rss: 24, restarts: 3, service: false, running: 0 },
          ],
          restarts: 3,
        },
      },
    ];
    const frontDoor = {
      ...{ sessions: () => 5, streams: () => 7, parked: () => 2 },
      ...{ inFlight: () => 3, bytesInFlight: () => 4096, loopDelay: () => 250 },
    };
    metrics.attach({ status: { upstreams: () => upstreams }, frontDoor, audit: { lost: 3, leftOut: 7 } });
    const { body } = await scrape(`${url}/metrics`);
    expect(body).toContain('mcp_gateway_upstream_state{proxy="files",state="degraded"} 1\n');
    expect(body).toContain('mcp_gateway_upstream_state{proxy="files",state="ready"} 0\n');
    expect(body).toContain('mcp_gateway_upstream_protocol{proxy="files",era="both",version="2026-07-28"} 1\n');
    expect(body).toContain('mcp_gateway_upstream_sessions{proxy="files"} 3\n');
    expect(body).toContain('mcp_gateway_upstream_requests_in_flight{proxy="files"} 4\n');
    expect(body).toContain('mcp_gateway_upstream_breaker_state{proxy="files",state="half_open"} 1\n');
    expect(body).toContain('mcp_gateway_upstream_breaker_state{proxy="files",state="closed"} 0\n');
    expect(body).toContain('mcp_gateway_upstream_breaker_openings{proxy="files"} 2\n');
    expect(body).toContain('mcp_gateway_upstream_retry_seconds{proxy="files"} 0\n');
    expect(body).toContain('mcp_gateway_upstream_children{proxy="files"} 2\n');
    expect(body).toContain('mcp_gateway_upstream_children_resident_bytes{proxy="files"} 1024\n');
    expect(body).toContain('mcp_gateway_upstream_restarts{proxy="files"} 3\n');
    expect(body).toContain('mcp_gateway_catalogue_items{proxy="files",kind="tools"} 14\n');
    expect(body).toContain('mcp_gateway_sessions 5\n');
    expect(body).toContain('mcp_gateway_streams 7\n');
    expect(body).toContain('mcp_gateway_parked_calls 2\n');
    expect(body).toContain('mcp_gateway_audit_lines_lost 3\n');
    expect(body).toContain('mcp_gateway_audit_refusals_left_out 7\n');
    expect(body).toContain('mcp_gateway_requests_in_flight 3\n');
    expect(body).toContain('mcp_gateway_event_loop_delay_seconds 0.25\n');
    upstreams = [];
    expect((await scrape(`${url}/metrics`)).body).not.toContain('proxy="files"');
  });

  it('ask for the token when one is set, also one that changes at run time', async () => {
    const { url, config } = await start({ token: new Secret('t0ken'), path: '/private/metrics' });
    const at = `${url}/private/metrics`;
    for (const authorization of ['', 'Bearer', 'Bearer wrong', 'Basic t0ken', 'Bearer t0ken t0ken']) {
      const refused = await scrape(at, authorization === '' ? {} : { authorization });
      expect(refused.status).toBe(401);
      expect(refused.headers['www-authenticate']).toContain('Bearer');
      expect(refused.body).not.toContain('mcp_gateway');
    }
    expect((await scrape(at, { authorization: 'Bearer t0ken' })).status).toBe(200);
    config.replace(Object.assign(new MetricsConfig(), { path: '/private/metrics', token: new Secret('new') }));
    expect((await scrape(at, { authorization: 'Bearer t0ken' })).status).toBe(401);
    expect((await scrape(at, { authorization: 'bearer new' })).status).toBe(200);
  });

  it('are not found when they are off', async () => {
    const { url } = await start({ enabled: false });
    expect((await scrape(`${url}/metrics`)).status).toBe(404);
  });

  it('move to an address of their own and back', async () => {
    const { app, url, config } = await start({ listen: '127.0.0.1:0' });
    const listener = app.get(MetricsListener);
    const own = listener.url ?? '';
    expect((await scrape(own)).status).toBe(200);
    expect((await scrape(own.replace('/metrics', '/other'))).status).toBe(404);
    expect((await scrape(`${url}/metrics`)).status).toBe(404);
    config.replace(new MetricsConfig());
    await expect.poll(() => listener.url).toBeUndefined();
    expect((await scrape(`${url}/metrics`)).status).toBe(200);
    await expect(scrape(own)).rejects.toThrow();
  });

  it('refuse an address that cannot be listened on, naming the key', async () => {
    await expect(start({ listen: 'nonsense' })).rejects.toThrow(/metrics\.listen: 'nonsense' is not an address/);
  });

  it('belong to one gateway: two in a process do not share counts or paths', async () => {
    const [first, second] = [await start(), await start({ path: '/m' })];
    first.metrics.listed('all');
    expect((await scrape(`${first.url}/metrics`)).body).toContain('mcp_gateway_list_tools{proxy="all"} 1');
    expect((await scrape(`${second.url}/m`)).body).not.toContain('mcp_gateway_list_tools{proxy="all"}');
    expect((await scrape(`${second.url}/metrics`)).status).toBe(404);
  });
});

describe('label values', () => {
  it('stay within the bound: what lies beyond is counted as other', () => {
    const series = new ToolSeries();
    for (let index = 0; index < 2 * MAX_SERIES; index += 1) series.of('chatty', `tool${index}`).called += 1;
    const all = [...series.all()];
    expect(all).toHaveLength(MAX_SERIES);
    expect(all.reduce((sum, counts) => sum + counts.called, 0)).toBe(2 * MAX_SERIES);
    expect(all).toContainEqual(expect.objectContaining({ proxy: 'other', tool: 'other' }));
  });

  it('stay within the bound of the configuration', async () => {
    const { url, metrics } = await start({ max_series: 100 });
    for (let index = 0; index < 300; index += 1) metrics.toolCalled('chatty', `tool${index}`);
    const { body } = await scrape(`${url}/metrics`);
    expect(body.match(/^mcp_gateway_tools_called\{/gm)).toHaveLength(100);
    expect(body).toContain('mcp_gateway_tools_called{tool="other",proxy="other"} 201');
  });

  it('of refusals come from the error catalogue', async () => {
    const metrics = new GatewayMetrics('1');
    metrics.refused('too_large');
    metrics.refused('whatever a stranger sent');
    const text = await metrics.registry.metrics();
    expect(text).toContain('mcp_gateway_requests_refused{reason="too_large"} 1');
    expect(text).toContain('mcp_gateway_requests_refused{reason="other"} 1');
    expect(text).not.toContain('stranger');
  });
});
