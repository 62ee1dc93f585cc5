import { setTimeout as pause } from 'node:timers/promises';
import { GatewayConfig, LiveConfig, type LoadedConfig } from '#libs/config';
import { GatewayError } from '#libs/kernel';
import type { ConfigFlags } from '../cli/load.js';
import { type Rehearsal, rehearseGateway } from '../create-app.js';
import { type Terminal, wantsColour } from '../terminal.js';
import { anchorOf, checkConfig } from './check-config.js';
import { checkIdentity } from './check-identity.js';
import { checkListen } from './check-listen.js';
import { catalogueFindings } from './check-names.js';
import { upstreamFindings } from './check-upstreams.js';
import { type Finding, findingLine, isFinding, summary } from './finding.js';

export interface DoctorOptions extends ConfigFlags {
  readonly token?: string | undefined;
  readonly json?: boolean;
  /** Seconds that each check may take. */
  readonly timeout: number;
}

/** Looks at everything a gateway of this configuration would meet; returns the exit code: 0 all is well, 1 there are findings. */
export async function runDoctor(options: DoctorOptions, terminal: Terminal): Promise<number> {
  const progress = new ProgressLine(terminal);
  const findings: Finding[] = [];
  for await (const stage of stages(options)) {
    if (typeof stage === 'string') progress.show(stage);
    else findings.push(...stage);
  }
  progress.clear();
  if (options.json) terminal.out(`${JSON.stringify({ findings, summary: summary(findings) }, null, 2)}\n`);
  else {
    const width = Math.max(...findings.map(({ subject }) => subject.length));
    for (const finding of findings) terminal.out(`${findingLine(finding, width, wantsColour(terminal))}\n`);
    terminal.out(`\n${summary(findings)}\n`);
  }
  return findings.some(isFinding) ? 1 : 0;
}

/** What is looked at, in words, each followed by what was found. */
async function* stages({ token, json: _, timeout, ...flags }: DoctorOptions): AsyncGenerator<string | Finding[]> {
  const patience = timeout * 1000;
  yield 'the configuration';
  const { findings, loaded } = await checkConfig(flags);
  yield findings;
  if (!loaded) return;
  yield 'the addresses to listen on';
  yield await checkListen(loaded.config, patience);
  yield* rehearsed(loaded, token, patience);
}

async function* rehearsed(
  loaded: LoadedConfig,
  token: string | undefined,
  patience: number,
): AsyncGenerator<string | Finding[]> {
  let rehearsal: Rehearsal;
  try {
    rehearsal = await rehearseGateway({ live: new LiveConfig(withoutTraces(loaded)) });
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown;
    yield [{ level: 'problem', subject: 'start', text: thrown.message, docs: anchorOf(thrown.code) }];
    return;
  }
  try {
    const servers = rehearsal.upstreams().map(({ name }) => name);
    yield `${servers.length === 1 ? 'the server' : `${servers.length} servers:`} ${servers.join(', ')}`;
    const ready = timesUntilReady(rehearsal);
    await rehearsal.settled(patience);
    const catalogue = rehearsal.catalogue();
    yield rehearsal.upstreams().flatMap((status) => upstreamFindings(status, catalogue, ready.get(status.name)));
    yield catalogueFindings(catalogue, loaded.config.proxy);
    yield 'the identity provider';
    yield await inTime(checkIdentity(loaded, rehearsal, token), patience);
  } finally {
    await rehearsal.close({ timeout: 0 });
  }
}

/** A look leaves nothing behind: no line in the audit, no second listener. */
function withoutTraces(loaded: LoadedConfig): LoadedConfig {
  const { audit, metrics } = loaded.config;
  const config = Object.assign(new GatewayConfig(), loaded.config, {
    audit: Object.assign(Object.create(Object.getPrototypeOf(audit)), audit, { to: 'off' }),
    metrics: Object.assign(Object.create(Object.getPrototypeOf(metrics)), metrics, { listen: null }),
  });
  return { ...loaded, config };
}

/** Milliseconds from now until each upstream was ready for the first time. */
function timesUntilReady(rehearsal: Rehearsal): ReadonlyMap<string, number> {
  const started = performance.now();
  const times = new Map<string, number>();
  const look = () => {
    for (const { name, state } of rehearsal.upstreams()) {
      if (state === 'ready' && !times.has(name)) times.set(name, performance.now() - started);
    }
  };
  rehearsal.onUpstreamChange(look);
  return times;
}

/** What was found, or that it took too long. A check that fails is a defect, and not said to be slow. */
async function inTime(work: Promise<Finding[]>, patience: number): Promise<Finding[]> {
  const text = `no answer within ${patience / 1000} s`;
  const late: Finding[] = [
    { level: 'problem', subject: 'identity', text, fix: 'wait longer with --timeout', docs: 'docs/authentication.md' },
  ];
  const over = new AbortController();
  try {
    return await Promise.race([work, pause(patience, late, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}

/** What is being looked at, on a terminal alone. */
class ProgressLine {
  constructor(private readonly terminal: Terminal) {}

  show(what: string): void {
    if (!this.terminal.errIsTty) return;
    this.clear();
    this.terminal.err(`looking at ${what} …`.slice(0, this.terminal.columns - 1));
  }

  clear(): void {
    if (this.terminal.errIsTty) this.terminal.err('\r\u001b[2K');
  }
}
