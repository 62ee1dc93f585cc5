import type { ChurnMap } from '#libs/kernel';
import type { JsonView } from '#libs/mcp';
import { withoutMembers } from './params.js';
import type { RunningCall } from './running-call.js';

/** Progress of the call whose token it names: a sign of life, told to the caller who wants it. */
export function tellProgress(params: JsonView, pending: ChurnMap<number, RunningCall>): void {
  const token = params.get('progressToken')?.value();
  const call = typeof token === 'number' ? pending.get(token) : undefined;
  const caller = call?.request.caller;
  if (!call || !caller) return;
  call.alive();
  if (!caller.wantsProgress) return;
  caller.sink.progress(withoutMembers(params, ['progressToken']));
  call.pace();
}
