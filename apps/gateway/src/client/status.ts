import { setTimeout as pause } from 'node:timers/promises';
import { request } from 'undici';
import { firstLine } from '../table.js';
import type { Terminal } from '../terminal.js';
import { UsageError } from './arguments.js';
import { bearer, endpointOf, unreachable } from './reach.js';
import { type StatusReport, serves, statusLines } from './status-table.js';

export interface StatusOptions {
  readonly url: string;
  /** `metrics.token` of the gateway. */
  readonly token?: string | undefined;
  readonly json?: boolean;
  /** Seconds between two looks; without it one look is all. */
  readonly watch?: number | undefined;
  readonly colour: boolean;
  readonly signal: AbortSignal;
}

/** Milliseconds the gateway may take to answer. */
const PATIENCE = 10_000;
/** Exit code when it cannot be told whether the gateway is ready. */
const UNKNOWN = 2;

/** Prints how the gateway and its upstreams are; returns the exit code: 0 ready, 1 not, 2 it cannot be told. */
export async function runStatus(names: readonly string[], options: StatusOptions, terminal: Terminal): Promise<number> {
  for (;;) {
    const code = await look(names, options, terminal);
    if (options.watch === undefined || options.signal.aborted) return code;
    await pause(options.watch * 1000, undefined, { signal: options.signal }).catch(() => {});
    if (options.signal.aborted) return code;
  }
}

async function look(names: readonly string[], options: StatusOptions, terminal: Terminal): Promise<number> {
  try {
    const report = chosen(await fetchReport(options), names);
    if (options.watch !== undefined && terminal.outIsTty) terminal.out('\u001b[2J\u001b[H');
    print(report, options, terminal);
    const fine = names.length > 0 ? report.upstreams.every(serves) : report.status === 'ok';
    return fine ? 0 : 1;
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    terminal.err(`mcp-gateway: ${thrown.message}\n`);
    return UNKNOWN;
  }
}

function print(report: StatusReport, { colour, json }: StatusOptions, terminal: Terminal): void {
  if (json) {
    terminal.out(`${JSON.stringify(report, null, 2)}\n`);
    return;
  }
  const verdict = report.status === 'ok' ? 'ready' : `not ready: ${firstLine(report.reason ?? 'it does not say why')}`;
  const lines = statusLines(report, { columns: terminal.columns, colour });
  terminal.out(`${[`The gateway is ${verdict}`, '', ...lines].join('\n')}\n`);
}

/** @throws UsageError when a name is none of an upstream */
function chosen(report: StatusReport, names: readonly string[]): StatusReport {
  if (names.length === 0) return report;
  const known = report.upstreams.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`there is no server '${unknown}'; the gateway has ${known.join(', ') || 'none'}`);
  }
  return { ...report, upstreams: report.upstreams.filter(({ name }) => names.includes(name)) };
}

/** @throws UsageError with a sentence when there is no report to be had */
async function fetchReport({ signal, token, url }: StatusOptions): Promise<StatusReport> {
  const endpoint = readinessOf(url);
  const headers = bearer(token);
  const limits = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]);
  let status: number;
  let body: string;
  try {
    const response = await request(endpoint, { headers, signal: limits });
    status = response.statusCode;
    body = await response.body.text();
  } catch (thrown) {
    if (limits.aborted) throw new UsageError(`${endpoint.origin} did not answer within ${PATIENCE / 1000} s`);
    throw unreachable(thrown, url) ?? new UsageError(`cannot reach ${url}: it does not speak HTTP`);
  }
  const answer = parsed(body);
  if ((status !== 200 && status !== 503) || answer?.status === undefined) {
    throw new UsageError(`${endpoint.origin}${endpoint.pathname} is not a gateway's readiness (HTTP ${status})`);
  }
  if (!Array.isArray(answer.upstreams)) throw refused(answer.status, token);
  return answer as StatusReport;
}

/** The gateway gave the plain answer: it shows no detail to this caller. */
function refused(status: string, token: string | undefined): UsageError {
  const verdict = `the gateway is ${status === 'ok' ? 'ready' : 'not ready'}, but`;
  return new UsageError(
    token === undefined
      ? `${verdict} shows details to its own machine, or to whoever has its metrics.token: set MCP_GATEWAY_METRICS_TOKEN to it`
      : `${verdict} does not take this token for details; it has to be its metrics.token`,
  );
}

/** `/ready` beside the endpoint, whatever path stands before both. */
function readinessOf(url: string): URL {
  const endpoint = new URL(endpointOf(url));
  endpoint.pathname = `${endpoint.pathname.replace(/\/mcp(?:\/.*)?$/, '').replace(/\/+$/, '')}/ready`;
  endpoint.search = '?verbose';
  endpoint.hash = '';
  return endpoint;
}

function parsed(body: string): Partial<StatusReport> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
