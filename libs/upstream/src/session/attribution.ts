import type { Answer, ChurnMap } from '#libs/kernel';
import type { ResponseMessage } from '#libs/mcp';
import type { RunningCall } from './running-call.js';

/** Calls in flight on one session, by id. */
export interface InFlight {
  values(): Iterable<RunningCall>;
}

/**
 * The call an upstream's question belongs to. What came on a call's own stream belongs to that call. Else the wire
 * does not say, and only an unmistakable answer counts: one running call, or the one call that may ask among requests of
 * the same client. Where a request's stream could have been used, a session that several principals share
 * is refused even that: the question may be a leftover of somebody else's call.
 */
export function attribute(
  origin: RunningCall | undefined,
  pending: InFlight,
  attribution: 'request' | 'connection',
  shared: boolean,
): RunningCall | undefined {
  if (origin) return origin;
  if (attribution === 'request' && shared) return undefined;
  const sole = soleCaller(pending);
  if (sole) return sole;
  let asking: RunningCall | undefined;
  let client: string | undefined;
  for (const call of pending.values()) {
    const caller = call.request.caller;
    if (!caller) continue;
    if (call.client === undefined || (client !== undefined && call.client !== client)) return undefined;
    client = call.client;
    if (!caller.solo) continue;
    if (asking) return undefined;
    asking = call;
  }
  return asking;
}

/** The only caller's call in flight; undefined when there are none or several. */
export function soleCaller(pending: InFlight): RunningCall | undefined {
  let sole: RunningCall | undefined;
  for (const call of pending.values()) {
    if (!call.request.caller) continue;
    if (sole) return undefined;
    sole = call;
  }
  return sole;
}

/** The call a response is for, by its id, whatever stream it came on. */
export function answeredCall(
  { id }: ResponseMessage,
  origin: RunningCall | undefined,
  pending: ChurnMap<number, RunningCall>,
): RunningCall | undefined {
  if (id !== undefined) return typeof id === 'number' ? pending.get(id) : undefined;
  // No id: the upstream could not read the request. On its own stream, or alone in flight, that is clear enough.
  return origin ?? (pending.size === 1 ? pending.values()[0] : undefined);
}

/** The error a response brings; undefined where it brings none that is one. */
export function errorOf({ error }: ResponseMessage): Extract<Answer, { kind: 'error' }> | undefined {
  const code = error?.get('code')?.value();
  return error && Number.isInteger(code) ? { kind: 'error', code: code as number, error: error.raw() } : undefined;
}
