import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ERRORS } from '#libs/kernel';
import { freePort, ROOT } from '../support/processes.js';
import { http, RawSession } from '../support/raw.js';
import { Cleanup, until } from '../support/wait.js';
import { composed } from './composed.js';
import { dashboard, queries, variables } from './dashboard.js';
import { Prometheus, prometheusProgram, promtool, selectors } from './prometheus.js';
import { needing } from './tool.js';

const PROMETHEUS = join(ROOT, 'deploy/prometheus');
const { groups } = parse(readFileSync(join(PROMETHEUS, 'rules.yaml'), 'utf8')) as {
  groups: { rules: { alert: string; expr: string }[] }[];
};
const alerts = groups.flatMap(({ rules }) => rules).map(({ alert, expr }) => [alert, expr] as const);

const cleanup = new Cleanup();
afterAll(() => cleanup.close());

describe.skipIf(!promtool)(`the configuration of Prometheus${needing('promtool', promtool)}`, () => {
  it.each([
    ['is one', ['check', 'config', 'prometheus.yaml']],
    ['has alerts that fire when they should, and not before', ['test', 'rules', 'rules.test.yaml']],
  ])('%s', (_what, args) => {
    const { status, stderr, stdout } = spawnSync(promtool!, args, { cwd: PROMETHEUS, encoding: 'utf8' });
    expect(stdout + stderr).not.toContain('FAILED');
    expect(status).toBe(0);
  });

  it('tries every alert', () => {
    const tests = readFileSync(join(PROMETHEUS, 'rules.test.yaml'), 'utf8');
    const untried = alerts.filter(([alert]) => !tests.includes(`alertname: ${alert}\n`));
    expect(untried).toEqual([]);
  });
});

describe('the alerts', () => {
  it('look for reasons that refusals really have', () => {
    const reasons = alerts.flatMap(([, expr]) => [...expr.matchAll(/reason="([^"]+)"/g)].map(([, reason]) => reason));
    expect(reasons.length).toBeGreaterThan(0);
    const known = new Set<string | undefined>(Object.values(ERRORS).map(({ reason }) => reason));
    expect(reasons.filter((reason) => !known.has(reason))).toEqual([]);
  });
});

describe('the dashboard', () => {
  it('has panels that lie beside each other', () => {
    const taken = new Map<string, string>();
    for (const { gridPos, title } of dashboard.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x},${y}`), `${title} lies over another`).toBeUndefined();
          taken.set(`${x},${y}`, title);
        }
      }
    }
  });
});

describe.skipIf(!prometheusProgram)(`what a running gateway tells${needing('Prometheus', prometheusProgram)}`, () => {
  let prometheus: Prometheus;

  beforeAll(async () => {
    const metrics = `127.0.0.1:${await freePort()}`;
    const gateway = await composed(cleanup, 'gateway', {
      metrics,
      more: [{ name: 'away', type: 'streamable-http', connection: { url: 'http://127.0.0.1:9/mcp' } }],
      limits: [{ key: 'tool', match: 'everything:get-sum', limit: 1, per: '1m' }],
    });
    const session = await RawSession.open(gateway.mcp());
    await session.request('tools/list', {});
    const call = (name: string, args: object) => session.request('tools/call', { name, arguments: args });
    await call('everything:echo', { message: 'hello' });
    await call('files:list_directory', { path: join(ROOT, 'docs') });
    await call('files:read_text_file', { path: '/nowhere' });
    for (let n = 0; n < 3; n++) await http(gateway.mcp(), { headers: session.headers, body: sum(n) });
    await http(gateway.mcp(), { headers: session.headers, body: '{' });
    await session.close();
    prometheus = cleanup.add(await Prometheus.start(metrics));
  }, 180_000);

  const sum = (id: number): string =>
    JSON.stringify({
      ...{ jsonrpc: '2.0', id, method: 'tools/call' },
      params: { name: 'everything:get-sum', arguments: { a: id, b: 1 } },
    });

  it.each(queries())('fills the panel "%s"', async (_title, query) => {
    await until(`an answer to ${query}`, async () => (await prometheus.query(query)).length > 0);
  });

  it.each(variables())('fills the variable for $label', async ({ label, metric }) => {
    const series = await prometheus.query(metric);
    expect(series.length).toBeGreaterThan(0);
    for (const { metric: labels } of series) expect(labels[label]).toBeTruthy();
  });

  it('shows a server that is away, and those that are not', async () => {
    const [, states = ''] = queries().find(([title]) => title === 'States') ?? [];
    const shown = async () => {
      const series = await prometheus.query(states);
      return Object.fromEntries(series.map(({ metric, value }) => [metric['proxy'], value[1]]));
    };
    await until('the state of each server', async () => {
      const { away, everything, files } = await shown();
      return away === '3' && everything === '0' && files === '0';
    });
  });

  it.each([...queries(), ...alerts])('has every metric and label that "%s" looks at', async (_title, query) => {
    const looked = selectors(query);
    expect(looked.length).toBeGreaterThan(0);
    for (const { labels, metric } of looked) {
      const [series] = await until(`a series of ${metric}`, async () => {
        const found = await prometheus.query(metric);
        return found.length > 0 && found;
      });
      expect(Object.keys(series?.metric ?? {})).toEqual(expect.arrayContaining([...labels]));
    }
  });

  it('lets Prometheus evaluate every alert', async () => {
    const rules = await until('all rules are evaluated', async () => {
      const found = await prometheus.rules();
      return found.every(({ health }) => health !== 'unknown') && found;
    });
    expect(rules.map(({ name }) => name)).toEqual(alerts.map(([alert]) => alert));
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
  });
});
