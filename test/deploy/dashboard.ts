import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/processes.js';

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly type: string; readonly query: unknown }[] };
}

export const dashboard = JSON.parse(
  readFileSync(join(ROOT, 'deploy/grafana/dashboards/mcp-gateway.json'), 'utf8'),
) as Dashboard;

/** Every query with the title of its panel, Grafana's variables filled in as with everything chosen. */
export function queries(): readonly (readonly [title: string, query: string])[] {
  return dashboard.panels.flatMap(({ targets = [], title }) =>
    targets.map(({ expr }) => [title, filled(expr)] as const),
  );
}

/** What the variables of the dashboard ask for: `label_values(metric, label)`. */
export function variables(): readonly { metric: string; label: string }[] {
  return dashboard.templating.list
    .filter(({ type }) => type === 'query')
    .map(({ query }) => {
      const text = (query as { query: string }).query;
      const [, metric = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(text) ?? [];
      return { metric: filled(metric), label };
    });
}

function filled(query: string): string {
  return query
    .replaceAll('$__rate_interval', '30s')
    .replaceAll('$__range', '5m')
    .replaceAll(/"\$(?:instance|proxy)"/g, '".*"');
}
