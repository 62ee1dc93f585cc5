import type { Registry } from 'prom-client';
import type { UpstreamState, UpstreamStatus } from '#libs/plugin';
import { defineRead, type Put } from './read-metric.js';

const STATES: readonly UpstreamState[] = ['connecting', 'ready', 'degraded', 'unreachable', 'disabled'];
const BREAKER_STATES = ['closed', 'open', 'half_open'] as const;

/**
 * What is known of upstreams, read when the metrics are scraped. Labels are names of the configuration and closed sets; the
 * upstream's own is added to those of each value.
 */
export function defineUpstreamMetrics(registry: Registry, upstreams: () => readonly UpstreamStatus[]): void {
  const statuses = onceATurn(upstreams);
  const define = (
    kind: 'counter' | 'gauge',
    name: string,
    help: string,
    labels: readonly string[],
    read: (upstream: UpstreamStatus, put: Put) => void,
  ) =>
    defineRead({
      kind,
      name,
      help,
      labelNames: ['proxy', ...labels],
      registry,
      read: (put) => {
        for (const upstream of statuses()) {
          read(upstream, (value, more) => put(value, { proxy: upstream.name, ...more }));
        }
      },
    });
  const gauge = define.bind(undefined, 'gauge');
  const counter = define.bind(undefined, 'counter');

  gauge('mcp_gateway_upstream_state', '1 for the state an upstream is in', ['state'], (upstream, put) => {
    for (const state of STATES) put(upstream.state === state ? 1 : 0, { state });
  });
  gauge(
    'mcp_gateway_upstream_retry_seconds',
    'Time until an upstream that is down is tried again',
    [],
    ({ nextRetry }, put) => {
      if (nextRetry !== undefined) put(Math.max(0, nextRetry - Date.now()) / 1000);
    },
  );
  gauge(
    'mcp_gateway_upstream_breaker_state',
    '1 for the state of the circuit breaker over the calls of an upstream',
    ['state'],
    ({ breaker }, put) => {
      for (const state of BREAKER_STATES) put(breaker.state === state ? 1 : 0, { state });
    },
  );
  counter(
    'mcp_gateway_upstream_breaker_openings',
    'Times calls to an upstream were held back because too many had failed',
    [],
    ({ breaker }, put) => put(breaker.openings),
  );
  gauge(
    'mcp_gateway_upstream_requests_in_flight',
    'Requests to an upstream that are under way or wait',
    [],
    ({ inFlight }, put) => put(inFlight),
  );
  gauge('mcp_gateway_upstream_sessions', 'Open sessions with an upstream', [], ({ sessions }, put) => put(sessions));
  gauge(
    'mcp_gateway_upstream_protocol',
    '1 for the era and version an upstream speaks; era both when it speaks either',
    ['era', 'version'],
    ({ dual, era, version }, put) => {
      if (era && version) put(1, { era: dual ? 'both' : era, version });
    },
  );
  gauge('mcp_gateway_upstream_children', 'Child processes of an upstream', [], ({ processes }, put) => {
    if (processes) put(processes.children.length);
  });
  gauge(
    'mcp_gateway_upstream_children_resident_bytes',
    'Resident memory of the child processes of an upstream, and of their own children',
    [],
    ({ processes }, put) => {
      if (processes) put(processes.children.reduce((sum, { rss = 0 }) => sum + rss, 0));
    },
  );
  counter(
    'mcp_gateway_upstream_restarts',
    'Child processes that took the place of one that had ended by itself',
    [],
    ({ processes }, put) => {
      if (processes) put(processes.restarts);
    },
  );
  gauge('mcp_gateway_catalogue_items', 'What upstreams offer', ['kind'], ({ counts }, put) => {
    for (const [kind, count] of Object.entries(counts)) put(count, { kind });
  });
}

/** A scrape reads all its metrics in one turn of the event loop: what takes time to find out is found out once for all. */
function onceATurn<T>(find: () => T): () => T {
  let found: { readonly value: T } | undefined;
  return () => {
    if (!found) {
      found = { value: find() };
      queueMicrotask(() => {
        found = undefined;
      });
    }
    return found.value;
  };
}
