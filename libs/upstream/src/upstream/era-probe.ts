import { GatewayError, type Log, type Outcome, toGatewayError } from '#libs/kernel';
import { LATEST_MODERN } from '#libs/mcp';
import type { Connection, ConnectionListener } from '#libs/plugin';
import { NO_CAPABILITIES } from '../session/capabilities.js';
import { connectionEnded, formatMs, notOpened, saidIn } from '../session/failures.js';
import { LegacySession } from '../session/legacy-session.js';
import { ModernCodec } from '../session/modern/codec.js';
import { type Discovered, mutualVersion, readDiscovered, supportedOf } from '../session/modern/discovered.js';
import { ModernWire } from '../session/modern/modern-wire.js';
import { connectionOf, type Opening, openWithin } from '../session/opening.js';
import type { SessionListener } from '../session/upstream-session.js';

/** Most milliseconds `server/discover` may take. Silence means nothing over HTTP, and the legacy era on stdio. */
const PROBE = 10_000;
/** Most milliseconds for trying whether a modern upstream speaks the legacy era too. */
const DUAL_PROBE = 5_000;
/** Milliseconds a verdict is trusted: an upgraded server still answers `initialize`. */
const TRUSTED = 24 * 3_600_000;

/** Which eras an upstream speaks, and how that is known. */
export type EraVerdict = { readonly checkedAt: number } & (
  | { readonly era: 'legacy' }
  | {
      readonly era: 'modern';
      readonly discovered: Discovered;
      readonly dual: { readonly stateful: boolean } | undefined;
    }
);

export function isStale(verdict: EraVerdict, now = Date.now()): boolean {
  return now - verdict.checkedAt > TRUSTED;
}

export interface ProbeOptions {
  readonly server: string;
  readonly gatewayVersion: string;
  /**
   * `stdio`: a sibling child that is thrown away, since some servers exit on whatever comes before `initialize`.
   * `http`: a connection like any other.
   */
  readonly wire: 'http' | 'stdio';
  /** Milliseconds an HTTP upstream may be silent. A child may have to be fetched first: it has its own time. */
  readonly patience: number;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly connect: (listener: ConnectionListener, opening: Opening) => Promise<Connection>;
  /** Closing a probed connection takes its time; nobody waits for it now. */
  readonly closing: (done: Promise<void>) => void;
}

/** Failures that say nothing about the era, only that the upstream cannot be asked now. */
const NO_EVIDENCE: ReadonlySet<string> = new Set([
  'UPSTREAM_UNREACHABLE',
  'UPSTREAM_UNAUTHORIZED',
  'UPSTREAM_FORBIDDEN',
  'EGRESS_DENIED',
  'UPSTREAM_BUSY',
  'SHUTTING_DOWN',
  'UPSTREAM_REMOVED',
  'CANCELLED',
  'INTERNAL',
]);

/**
 * Asks an upstream for its era with `server/discover` (M:ver). A verdict comes only from evidence.
 * @throws GatewayError when there is none: not authorized, unavailable, or no answer over HTTP
 */
export async function probeEra(options: ProbeOptions): Promise<EraVerdict> {
  const asked = await ask(options);
  const checkedAt = Date.now();
  if (asked === undefined) return { era: 'legacy', checkedAt };
  const dual = options.wire === 'http' ? await probeLegacy(options) : undefined;
  return { era: 'modern', discovered: asked, dual, checkedAt };
}

/** What the upstream discovers; undefined when it is of the legacy era. */
async function ask(options: ProbeOptions): Promise<Discovered | undefined> {
  const { gatewayVersion, log, server, signal } = options;
  const wire = new ModernWire({
    server,
    log,
    codec: new ModernCodec({ server, gatewayVersion, version: LATEST_MODERN }),
    cancelBy: options.wire === 'http' ? 'stream' : 'notification',
    notified: () => {},
    lost: () => {},
  });
  const limit = limitOf(options);
  const text = `${server} did not answer server/discover within ${formatMs(limit)}`;
  const hint = options.wire === 'http' ? '; if it is an older server, set protocol: legacy' : '';
  const tooSlow = () => new GatewayError('UPSTREAM_TIMEOUT', text + hint, { data: { server }, notExecuted: true });
  let connected = false;
  let namesModern = false;
  try {
    return await openWithin({ signal, limit, tooSlow }, async (opening) => {
      wire.attach(await connectionOf(options.connect(wire, opening), opening));
      connected = true;
      const first = await opening.until(discover(wire, options));
      const found = readDiscovered(first);
      if (found || first.kind !== 'error' || first.code !== -32022) return found;
      const version = mutualVersion(supportedOf(first.error));
      if (version === undefined) return undefined;
      // It says it speaks a modern revision: never `initialize`.
      namesModern = true;
      wire.speak(version);
      const second = await opening.until(discover(wire, options));
      const other = readDiscovered(second);
      if (other) return other;
      const refusal = `${server} names ${version} as supported and refuses it: ${messageOf(second)}`;
      throw new GatewayError('UPSTREAM_UNREACHABLE', refusal, { data: { server }, notExecuted: true });
    });
  } catch (thrown) {
    const error = toGatewayError(thrown);
    if (!signal.aborted && !namesModern && isLegacy(error, options.wire, connected)) {
      log.debug({ upstream: server, cause: error.message }, `${server} does not know server/discover: legacy`);
      return undefined;
    }
    const said = connectionEnded(error, server, wire.status().stderr);
    throw said.code === 'UPSTREAM_TIMEOUT' ? unreachable(said) : notOpened(said);
  } finally {
    options.closing(wire.close(new GatewayError('CANCELLED', 'The probe is over')));
  }
}

function limitOf({ patience, wire }: ProbeOptions): number {
  return wire === 'http' ? Math.min(PROBE, patience) : PROBE;
}

async function discover(wire: ModernWire, options: ProbeOptions): Promise<Outcome> {
  const method = 'server/discover';
  const limit = limitOf(options);
  return await wire.send({ method, subject: method, timeout: limit, maxTotal: limit }).outcome;
}

/** Whether a failed probe is evidence for the legacy era. */
function isLegacy(error: GatewayError, wire: 'http' | 'stdio', connected: boolean): boolean {
  // What could not be started has said nothing; once it runs, whatever it does is its answer: an error, silence, an exit.
  if (wire === 'stdio') return connected && error.code !== 'UPSTREAM_UNAUTHORIZED';
  if (NO_EVIDENCE.has(error.code) || error.code === 'UPSTREAM_TIMEOUT' || error.code === 'UPSTREAM_DISCONNECTED') {
    return false;
  }
  if (error.code !== 'UPSTREAM_HTTP') return true;
  const status = Number(error.data['status']);
  return status >= 400 && status < 500 && status !== 408;
}

/**
 * Whether a modern upstream also takes `initialize`, and keeps sessions then. A server that does is used in its
 * client's own era.
 */
async function probeLegacy(options: ProbeOptions): Promise<{ readonly stateful: boolean } | undefined> {
  const { closing, connect, gatewayVersion, log, server, signal } = options;
  try {
    const session = await LegacySession.open({
      server,
      gatewayVersion,
      capabilities: NO_CAPABILITIES,
      shared: true,
      startTimeout: Math.min(DUAL_PROBE, options.patience),
      listener: DEAF,
      log,
      signal,
      connect,
      standing: false,
    });
    const { stateful } = session;
    closing(session.close(new GatewayError('CANCELLED', 'The probe is over')));
    return { stateful };
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    log.debug(
      { upstream: server, cause: toGatewayError(thrown).message },
      `${server} takes no initialize: modern only`,
    );
    return undefined;
  }
}

const DEAF: SessionListener = {
  listChanged() {},
  resourceUpdated() {},
  logged() {},
  elicitationCompleted() {},
  asked: () => undefined,
  limited() {},
  worn() {},
  lost() {},
};

function messageOf(outcome: Outcome): string {
  if (outcome.kind !== 'error') return 'its answer is no DiscoverResult';
  return `error ${outcome.code} ${saidIn(outcome.error)}`;
}

function unreachable(error: GatewayError): GatewayError {
  const { data, message } = error;
  return new GatewayError('UPSTREAM_UNREACHABLE', message, { data, cause: error, notExecuted: true });
}
