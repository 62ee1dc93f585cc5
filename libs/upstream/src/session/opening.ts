import { type GatewayError, toGatewayError, within } from '#libs/kernel';
import type { Connection } from '#libs/plugin';

/** Milliseconds a transport has to let go of a connection that was given up while it opened. */
const LATE_CONNECTION = 6_000;

export interface OpeningLimits {
  /** Gives up opening. */
  readonly signal: AbortSignal;
  /** Milliseconds for all of it. */
  readonly limit: number;
  tooSlow(): GatewayError;
}

/** An opening under way: what may stop it, and a promise that rejects when it does. */
export interface Opening {
  readonly signal: AbortSignal;
  readonly aborted: Promise<never>;
}

/**
 * Runs a task that opens something, under a deadline and a signal.
 * @throws GatewayError the signal's reason, `tooSlow`, or what the task threw
 */
export async function openWithin<T>(limits: OpeningLimits, task: (opening: Opening) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abandon = () => controller.abort(limits.signal.reason);
  limits.signal.addEventListener('abort', abandon, { once: true });
  if (limits.signal.aborted) abandon();
  const deadline = setTimeout(() => controller.abort(limits.tooSlow()), limits.limit);
  const { signal } = controller;
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(toGatewayError(signal.reason)), { once: true });
  });
  aborted.catch(() => {});
  try {
    signal.throwIfAborted();
    return await task({ signal, aborted });
  } catch (thrown) {
    throw toGatewayError(signal.aborted ? signal.reason : thrown);
  } finally {
    clearTimeout(deadline);
    limits.signal.removeEventListener('abort', abandon);
  }
}

/** The connection; one that comes when nobody waits any more is not left open, nor does its child outlive the gateway. */
export async function connectionOf(connecting: Promise<Connection>, { aborted }: Opening): Promise<Connection> {
  return await Promise.race([connecting, aborted]).catch(async (thrown: unknown) => {
    await within(
      LATE_CONNECTION,
      connecting.then((late) => late.close()),
    );
    throw thrown;
  });
}
