import { Gauge, Registry } from 'prom-client';
import { ERRORS } from '#libs/kernel';
import { CallMetrics, type StatusSource } from '#libs/plugin';
import { DurationHistogram } from './duration-histogram.js';
import { defineRead, type Put } from './read-metric.js';
import { BoundedCounts, Durations, MAX_SERIES, OTHER, type ServerClocks, ToolSeries } from './series.js';
import { defineUpstreamMetrics } from './upstream-metrics.js';

const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const REASONS = new Set<string>(Object.values(ERRORS).map((entry) => entry.reason));

/** Where gauges are read when the metrics are scraped. */
export interface GaugeSources {
  readonly status: Pick<StatusSource, 'upstreams'>;
  /** What the front door holds open. */
  readonly frontDoor: {
    sessions(): number;
    streams(): number;
    parked(): number;
    inFlight(): number;
    bytesInFlight(): number;
    /** Milliseconds. */
    loopDelay(): number;
  };
  readonly audit: { readonly lost: number; readonly leftOut: number };
}

/**
 * The gateway's metrics in a registry of their own. Counters are plain numbers that are read when it is scraped, so that a
 * call costs an addition; gauges are read from their sources at the same time.
 */
export class GatewayMetrics extends CallMetrics {
  readonly registry = new Registry();
  readonly #tools: ToolSeries;
  readonly #lists: BoundedCounts;
  readonly #refused: BoundedCounts;
  readonly #limited: BoundedCounts;
  readonly #tolerated: BoundedCounts;
  readonly #requests: BoundedCounts;
  readonly #clocks = new Map<string, ServerClocks>();
  #sources: GaugeSources | undefined;

  /** `maxSeries`: most series of one metric; what lies beyond is counted as `other`. */
  constructor(
    version: string,
    private readonly maxSeries = MAX_SERIES,
  ) {
    super();
    const counts = () => new BoundedCounts(maxSeries);
    this.#tools = new ToolSeries(maxSeries);
    [this.#lists, this.#refused, this.#limited] = [counts(), counts(), counts()];
    [this.#tolerated, this.#requests] = [counts(), counts()];
    new DurationHistogram({
      name: 'mcp_gateway_tool_call_duration_seconds',
      help: 'Time from a tool call reaching the gateway to its outcome',
      labelNames: ['proxy', 'outcome'],
      registry: this.registry,
      series: () => this.#durations(),
    });
    this.#defineToolCounters();
    this.#defineCounts('mcp_gateway_list_tools', 'Lists of tools served', ['proxy'], this.#lists);
    this.#defineCounts('mcp_gateway_requests_refused', 'Requests the gateway refused', ['reason'], this.#refused);
    this.#defineCounts(
      'mcp_gateway_client_faults_tolerated',
      'Deviations of clients from the protocol that were put up with',
      ['fault'],
      this.#tolerated,
    );
    this.#defineCounts(
      'mcp_gateway_client_requests',
      'Requests of clients, by the protocol they speak',
      ['era', 'version'],
      this.#requests,
    );
    this.#defineCounts(
      'mcp_gateway_limits_reached',
      'Times a configured limit was reached',
      ['limit', 'rule'],
      this.#limited,
    );
    this.#defineGauges();
    defineUpstreamMetrics(this.registry, () => this.#sources?.status.upstreams() ?? []);
    this.#defineAudit();
    new Gauge({ name: 'mcp_gateway_info', help: 'Version', labelNames: ['version'], registers: [this.registry] }).set(
      { version },
      1,
    );
  }

  /** Where gauges come from; without sources they are zero, and nothing is said of upstreams. */
  attach(sources: GaugeSources): void {
    this.#sources = sources;
  }

  toolCalled(server: string, tool: string): void {
    this.#tools.of(server, tool).called += 1;
  }

  toolFinished(server: string, tool: string, outcome: 'success' | 'error', seconds: number): void {
    this.#tools.of(server, tool)[outcome] += 1;
    (this.#clocks.get(server) ?? this.#bindClocks(server))[outcome].add(seconds);
  }

  listed(server: string): void {
    this.#lists.add(server);
  }

  refused(reason: string): void {
    this.#refused.add(REASONS.has(reason) ? reason : OTHER);
  }

  limited(key: string, rule: string): void {
    this.#limited.add(`${key} ${rule}`);
  }

  requested(era: 'legacy' | 'modern', version: string): void {
    this.#requests.add(`${era} ${version}`);
  }

  tolerated(fault: string): void {
    this.#tolerated.add(fault);
  }

  #bindClocks(server: string): ServerClocks {
    const proxy = this.#clocks.size < this.maxSeries / 20 ? server : OTHER;
    const known = this.#clocks.get(proxy);
    if (known) return known;
    const clocks = { proxy, success: new Durations(DURATION_BUCKETS), error: new Durations(DURATION_BUCKETS) };
    this.#clocks.set(proxy, clocks);
    return clocks;
  }

  *#durations(): Iterable<readonly [Record<string, string>, Durations]> {
    for (const clocks of this.#clocks.values()) {
      for (const outcome of ['success', 'error'] as const) {
        if (clocks[outcome].counts.some((count) => count > 0))
          yield [{ proxy: clocks.proxy, outcome }, clocks[outcome]];
      }
    }
  }

  #defineToolCounters(): void {
    const define = (name: string, help: string, member: 'called' | 'success' | 'error') =>
      this.#define('counter', name, help, ['tool', 'proxy'], (put) => {
        for (const counts of this.#tools.all()) put(counts[member], { tool: counts.tool, proxy: counts.proxy });
      });
    define('mcp_gateway_tools_called', 'Tool calls', 'called');
    define('mcp_gateway_tools_call_success', 'Tool calls with a result', 'success');
    define('mcp_gateway_tools_call_errors', 'Tool calls that failed', 'error');
  }

  /** Counts under one label or two, of which the first has no blanks. */
  #defineCounts(name: string, help: string, labelNames: readonly string[], source: BoundedCounts): void {
    const [first = '', second] = labelNames;
    this.#define('counter', name, help, labelNames, (put) => {
      for (const [key, count] of source.counts) {
        const blank = second === undefined ? -1 : key.indexOf(' ');
        const [one, two] = blank < 0 ? [key, key] : [key.slice(0, blank), key.slice(blank + 1)];
        put(count, second === undefined ? { [first]: one } : { [first]: one, [second]: two });
      }
    });
  }

  #defineAudit(): void {
    const define = (name: string, help: string, member: 'lost' | 'leftOut') =>
      this.#define('counter', name, help, [], (put) => put(this.#sources?.audit[member] ?? 0));
    define('mcp_gateway_audit_lines_lost', 'Audit lines that could not be written', 'lost');
    define('mcp_gateway_audit_refusals_left_out', 'Refusals of a flood that the audit only counts', 'leftOut');
  }

  #defineGauges(): void {
    const define = (name: string, help: string, read: (frontDoor: GaugeSources['frontDoor']) => number) =>
      this.#define('gauge', name, help, [], (put) => put(this.#sources ? read(this.#sources.frontDoor) : 0));
    define('mcp_gateway_sessions', 'Client sessions remembered by this process', (door) => door.sessions());
    define('mcp_gateway_streams', 'Open event streams to clients', (door) => door.streams());
    define('mcp_gateway_parked_calls', 'Calls that wait for a client to answer a question', (door) => door.parked());
    define('mcp_gateway_requests_in_flight', 'Requests that arrive or wait for their answer', (door) =>
      door.inFlight(),
    );
    define(
      'mcp_gateway_bytes_in_flight',
      'Bytes of request bodies, and of answers that clients have not read yet',
      (door) => door.bytesInFlight(),
    );
    define(
      'mcp_gateway_event_loop_delay_seconds',
      'How long work waits for its turn, as load shedding sees it',
      (door) => door.loopDelay() / 1000,
    );
  }

  #define(
    kind: 'counter' | 'gauge',
    name: string,
    help: string,
    labelNames: readonly string[],
    read: (put: Put) => void,
  ): void {
    defineRead({ kind, name, help, labelNames, registry: this.registry, read });
  }
}
