import type { RunningCall } from './running-call.js';

/**
 * The call an upstream's question belongs to. What came on a call's own stream belongs to that call. Else the wire
 * does not say, and only an unmistakable answer counts: one running call, or the one call with side effects among
 * requests of the same client. Sessions shared by several principals never guess from a standalone stream.
 */
export function attribute(
  origin: RunningCall | undefined,
  pending: ReadonlyMap<number, RunningCall>,
  attribution: 'request' | 'connection',
  shared: boolean,
): RunningCall | undefined {
  if (origin) return origin;
  const sole = soleCaller(pending, attribution, shared);
  if (sole || (attribution === 'request' && shared)) return sole;
  let asking: RunningCall | undefined;
  let client: string | undefined;
  for (const call of pending.values()) {
    const caller = call.request.caller;
    if (!caller) continue;
    if (call.client === undefined || (client !== undefined && call.client !== client)) return undefined;
    client = call.client;
    if (caller.repeatable) continue;
    if (asking) return undefined;
    asking = call;
  }
  return asking;
}

/** The only caller's call in flight; undefined when there are none or several, or the session cannot be trusted with it. */
export function soleCaller(
  pending: ReadonlyMap<number, RunningCall>,
  attribution: 'request' | 'connection',
  shared: boolean,
): RunningCall | undefined {
  if (attribution === 'request' && shared) return undefined;
  let sole: RunningCall | undefined;
  for (const call of pending.values()) {
    if (!call.request.caller) continue;
    if (sole) return undefined;
    sole = call;
  }
  return sole;
}
