import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { freePort, ROOT } from '../support/processes.js';
import { until } from '../support/wait.js';
import { tool } from './tool.js';

export const prometheusProgram = tool('prometheus');
export const promtool = tool('prometheus', 'promtool');

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

interface Settings {
  readonly global: Record<string, unknown>;
  readonly scrape_configs: readonly Record<string, unknown>[];
}

/** A real Prometheus with the configuration and the alert rules of deploy/, scraping one target every second. */
export class Prometheus {
  private constructor(
    private readonly url: string,
    readonly close: () => Promise<void>,
  ) {}

  static async start(target: string): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'mcp-gateway-prometheus-'));
    const source = join(ROOT, 'deploy/prometheus');
    const settings = parse(readFileSync(join(source, 'prometheus.yaml'), 'utf8')) as Settings;
    Object.assign(settings.global, { scrape_interval: '1s', evaluation_interval: '1s' });
    for (const job of settings.scrape_configs) {
      Object.assign(job, { static_configs: [{ targets: [target] }], dns_sd_configs: [] });
    }
    cpSync(join(source, 'rules.yaml'), join(folder, 'rules.yaml'));
    writeFileSync(join(folder, 'prometheus.yaml'), JSON.stringify(settings));
    const port = await freePort();
    const child = spawn(
      prometheusProgram!,
      [
        `--config.file=${join(folder, 'prometheus.yaml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
      ],
      { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
    const gone = once(child, 'close');
    const close = async () => {
      if (child.exitCode === null) child.kill('SIGTERM');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    };
    const prometheus = new Prometheus(`http://127.0.0.1:${port}`, close);
    await until('Prometheus has scraped the gateway', async () => {
      if (child.exitCode !== null) throw new Error(said);
      const [up] = await prometheus.query('up');
      return up?.value[1] === '1';
    });
    return prometheus;
  }

  /** What a query gives now. @throws Error with what Prometheus says of the query */
  async query(query: string): Promise<readonly Series[]> {
    const { result } = await this.#ask<{ result: readonly Series[] }>(`query?query=${encodeURIComponent(query)}`);
    return result;
  }

  /** Every rule with its health, as evaluated. */
  async rules(): Promise<readonly { name: string; health: string; lastError?: string }[]> {
    const { groups } = await this.#ask<{ groups: { rules: { name: string; health: string }[] }[] }>('rules');
    return groups.flatMap(({ rules }) => rules);
  }

  async #ask<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${path}`);
    const { data, error } = (await response.json()) as { data: T; error?: string };
    if (error !== undefined) throw new Error(error);
    return data;
  }
}

/** The metrics of a query with the names of the labels it looks at; functions and aggregations are none of them. */
export function selectors(query: string): readonly { metric: string; labels: readonly string[] }[] {
  return [...query.matchAll(/\b((?:mcp_gateway|process|nodejs)_\w+|up)\b(?:\{([^}]*)\})?/g)].map(
    ([, metric = '', matchers = '']) => ({
      metric,
      labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = '']) => label),
    }),
  );
}
