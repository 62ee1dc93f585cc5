import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { queries } from '../deploy/dashboard.js';
import { prometheusProgram } from '../deploy/prometheus.js';
import { needing } from '../deploy/tool.js';
import { freePort, ROOT } from '../support/processes.js';
import { Cleanup, until } from '../support/wait.js';
import { pageAt } from './pages.js';
import { DocShell } from './shell.js';

const PAGE = pageAt('docs/deployment.md');
const DASHBOARD = 'deploy/grafana/dashboards/mcp-gateway.json';

const cleanup = new Cleanup();
afterAll(() => cleanup.close());

/** What Prometheus answers: for each series its labels and its value now. */
async function ask(url: string, query: string): Promise<readonly { proxy: string | undefined; value: number }[]> {
  const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
  const { data } = (await response.json()) as {
    data: { result: { metric: { proxy?: string }; value: [number, string] }[] };
  };
  return data.result.map(({ metric, value }) => ({ proxy: metric.proxy, value: Number(value[1]) }));
}

describe('docs/deployment.md: see latency in the dashboard', () => {
  it('leads to the dashboard, which has latency in all and by server', () => {
    expect(PAGE.links.map(({ target }) => target)).toContain(`../${DASHBOARD}`);
    expect(readFileSync(join(ROOT, DASHBOARD), 'utf8')).toContain('"title": "Latency');
    expect(queries().map(([title]) => title)).toEqual(expect.arrayContaining(['Latency', 'Latency by server (p95)']));
  });

  it.skipIf(!prometheusProgram)(
    `shows how long calls took, by its own queries over what the page has Prometheus scrape${needing('Prometheus', prometheusProgram)}`,
    async () => {
      const shell = await DocShell.open(cleanup, ROOT);
      shell.start('sh', '-c', 'exec npx mcp-gateway serve');
      const block = PAGE.blocks.find(({ marks }) => marks.get('file') === 'prometheus.yml');
      const own = block?.text.replace('127.0.0.1:8082', `127.0.0.1:${shell.port}`).replace(/15s/g, '1s') ?? '';
      expect(own).toContain(`127.0.0.1:${shell.port}`);
      const folder = await DocShell.open(cleanup);
      writeFileSync(join(folder.folder, 'prometheus.yml'), own);
      const url = `http://127.0.0.1:${await freePort()}`;
      folder.start(
        prometheusProgram!,
        '--config.file=prometheus.yml',
        `--web.listen-address=${url.slice('http://'.length)}`,
      );

      const [, inAll = ''] = queries().find(([title]) => title === 'Latency') ?? [];
      const [, byServer = ''] = queries().find(([title]) => title === 'Latency by server (p95)') ?? [];
      await until(
        'both panels have a value',
        async () => {
          await shell.run('npx mcp-gateway call everything:echo message=hello');
          const [all] = await ask(url, inAll);
          const [server] = await ask(url, byServer);
          return server?.proxy === 'everything' && server.value > 0 && server.value < 60 && (all?.value ?? 0) > 0;
        },
        60_000,
      );
    },
    120_000,
  );
});
