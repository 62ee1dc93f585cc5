import { ConfigError, LiveConfig, serveProblems, showProblem } from '#libs/config';
import { createLogger, type GatewayLogger } from '#libs/logging';
import { authenticationIn, banner } from '../banner/banner.js';
import { StatusBoard } from '../banner/status-board.js';
import { createGateway, type Gateway } from '../create-app.js';
import { keepTicksKnown } from '../known-ticks.js';
import { type Terminal, wantsColour } from '../terminal.js';
import { endpointWeights } from '../token-estimate.js';
import { VERSION } from '../version.js';
import { collectSeldom, keepHeapYoung } from '../young-heap.js';
import { ConfigFinder, type ConfigFlags } from './load.js';
import { followConfig } from './reload.js';
import { stopSignals } from './stop-signals.js';

/**
 * Runs the gateway until a signal stops it; returns the exit code.
 * @throws GatewayError CONFIG_INVALID, PLUGIN_INVALID: why it cannot start
 */
export async function runServe(flags: ConfigFlags, terminal: Terminal): Promise<number> {
  keepHeapYoung();
  keepTicksKnown();
  const finder = new ConfigFinder(flags);
  await finder.refresh();
  const loaded = finder.toServe();
  const refusals = serveProblems(loaded.config);
  if (refusals.length > 0) throw new ConfigError(refusals.map(loaded.locate), loaded.file);
  const screen: { board?: StatusBoard } = {};
  const { level, format, max_line: maxLine } = loaded.config.log;
  const sink = { write: (line: string) => (screen.board ? screen.board.write(line) : terminal.out(line)) };
  const logger = createLogger({ level, format, maxLine, sink, colour: wantsColour(terminal) });
  const running: { gateway?: Gateway } = {};
  surviveAccidents(logger, () => exitNow(running.gateway, 1));
  const live = new LiveConfig(loaded, {
    load: () => finder.toServe(),
    onListenerError: (err) => logger.error({ err }, 'a part of the gateway could not follow the new configuration'),
  });
  for (const problem of loaded.warnings) logger.warn({}, `configuration: ${showProblem(problem, loaded.file)}`);
  const signals = stopSignals(() => exitNow(running.gateway, 130));
  try {
    const gateway = await createGateway({ live, logger, stdout: sink, processMetrics: true });
    running.gateway = gateway;
    // Only now: what a start leaves behind is to be collected.
    collectSeldom();
    const watch = followConfig(live, logger, () => finder.refresh());
    if (terminal.outIsTty || format === 'text') screen.board = showStart(gateway, live, terminal);
    else logger.info({ url: `${gateway.url}/mcp`, version: VERSION }, 'listening');
    const signal = await signals.stopped;
    watch.close();
    screen.board?.unpin();
    logger.info({ signal }, 'stopping: running calls may finish, then every child process ends');
    await gateway.close({ pause: pauseAfter(signal, gateway, live) });
    logger.info({}, 'stopped');
    return 0;
  } finally {
    signals.release();
  }
}

/** Where no balancer is known to stand in front, that is on loopback unless the configuration says so, nobody waits for one. */
const DRAIN = 5_000;

/** Whoever sends SIGTERM has a balancer to consider; Ctrl-C is a person who waits. */
function pauseAfter(signal: NodeJS.Signals, gateway: Gateway, live: LiveConfig): number {
  if (signal !== 'SIGTERM') return 0;
  return live.current.server.shutdown.drain ?? (gateway.loopback ? 0 : DRAIN);
}

function showStart(gateway: Gateway, live: LiveConfig, terminal: Terminal): StatusBoard {
  const { server, proxy } = live.current;
  const weigh = () => endpointWeights(gateway.catalogue(), live.current.proxy);
  const board = new StatusBoard(terminal, () => gateway.upstreams(), weigh);
  terminal.out(
    banner({
      version: VERSION,
      source: live.source.file,
      url: `${gateway.loopback ? gateway.url : server.url.replace(/\/$/, '')}/mcp`,
      loopback: gateway.loopback,
      authentication: authenticationIn(live.current),
      servers: proxy.servers.filter(({ enabled }) => enabled).map(({ name }) => name),
    }),
  );
  board.start();
  gateway.onUpstreamChange(() => board.update());
  return board;
}

/** At the second signal, and after a defect: no farewell, but no orphans either. */
function exitNow(gateway: Gateway | undefined, code: number): never {
  for (const { pids } of gateway?.upstreams() ?? []) {
    for (const pid of pids) {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // it is gone already
      }
    }
  }
  process.exit(code);
}

/**
 * One stray rejection must not take all upstreams down; the log has it. An exception nobody caught ends the process, and
 * is told in the log alone: what Node would print has whatever values are in its text.
 */
function surviveAccidents(logger: GatewayLogger, exit: () => never): void {
  process.on('unhandledRejection', (err) => logger.error({ err }, 'a promise was rejected and nobody waited for it'));
  process.on('uncaughtException', (err) => {
    logger.fatal({ err }, 'the gateway stops: nobody caught this');
    exit();
  });
}
