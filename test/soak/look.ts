import { handlesOf } from '../chaos/world/processes.js';
import { descendants } from '../support/processes.js';
import { http } from '../support/raw.js';

/** What the gateway says of itself. */
export interface Gauges {
  /** Sessions of clients it remembers something of. */
  readonly sessions: number;
  readonly streams: number;
  readonly upstreamSessions: number;
  /** Requests of clients, and requests to upstreams, that wait for their answer; calls that wait for a client. */
  readonly pending: number;
  readonly upstreamPending: number;
  readonly parked: number;
}

/** What a gateway holds at one moment. */
export interface Look extends Gauges {
  readonly handles: Readonly<Record<string, number>>;
  /** Its child processes, and theirs. */
  readonly children: number;
}

const METRICS: Readonly<Record<keyof Gauges, string>> = {
  sessions: 'mcp_gateway_sessions',
  streams: 'mcp_gateway_streams',
  upstreamSessions: 'mcp_gateway_upstream_sessions',
  pending: 'mcp_gateway_requests_in_flight',
  upstreamPending: 'mcp_gateway_upstream_requests_in_flight',
  parked: 'mcp_gateway_parked_calls',
};

export async function lookAt({ pid, url }: { readonly pid: number; readonly url: string }): Promise<Look> {
  // On a connection that is kept: one that is about to be closed would count or not, as it happens.
  const { status, text } = await http(`${url}/metrics`, { method: 'GET', keep: true });
  if (status !== 200) throw new Error(`/metrics answers ${status}`);
  return { ...gaugesIn(text), handles: handlesOf(pid), children: descendants(pid).length };
}

/** @throws Error when one is missing: a gauge that is renamed must not look like zero */
export function gaugesIn(text: string): Gauges {
  const entries = Object.entries(METRICS).map(([key, name]) => [key, sumOf(text, name)]);
  return Object.fromEntries(entries) as Gauges;
}

/** Over all labels. */
function sumOf(text: string, name: string): number {
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].map(([, value]) => value);
  if (values.length === 0) throw new Error(`no metric ${name}`);
  return values.reduce((sum, value) => sum + Number(value), 0);
}
