import type { Outcome } from '#libs/kernel';
import { type Edit, JsonView, splice } from '#libs/mcp';
import type { Delivery } from './delivery.js';
import { askParams } from './sink.js';

/** Questions of a modern upstream to a modern client: keys stay the upstream's, what they say is put in the client's terms. */
export function deliverInputs(
  { exchange, view, server }: Delivery,
  outcome: Extract<Outcome, { kind: 'input_required' }>,
): Outcome {
  const edits: Edit[] = [];
  for (const { value } of JsonView.of(outcome.result).get('inputRequests')?.members() ?? []) {
    const params = value.get('params');
    const method = value.get('method')?.string();
    if (params?.type !== 'object' || method === undefined) continue;
    const own = params.raw();
    const text = askParams(own, method, exchange, view, server);
    if (text !== own) edits.push({ start: params.start, end: params.end, text });
  }
  return { ...outcome, server, result: splice(outcome.result, edits) };
}
