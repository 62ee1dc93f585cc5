import type { Outcome } from '#libs/kernel';
import { HOP_META_KEYS, JsonView, type ScanLimits, scan } from '#libs/mcp';
import { RETRY_MEMBERS } from '../methods/params.js';

/** Why what a policy wrote cannot be used. */
export class BadRewrite extends Error {}

/** Members of params that say what a call is about. */
const NAMING = ['name', 'uri', 'ref'] as const;
/** Members that belong to one hop, and were taken out before. */
const FOREIGN = ['task', ...RETRY_MEMBERS];

/**
 * Params as a policy wants them, when they are sound JSON that is about the same thing: what was checked is what is
 * forwarded. @throws BadRewrite
 */
export function rewrittenParams(before: Buffer, after: unknown, limits: ScanLimits): Buffer {
  const old = JsonView.of(before);
  const view = objectOf(after, limits, 'params');
  for (const member of NAMING) {
    if (!same(old.get(member)?.value(), view.get(member)?.value())) {
      throw new BadRewrite(`it changed params.${member}: a policy cannot send a call elsewhere`);
    }
  }
  const meta = view.get('_meta');
  const foreign = FOREIGN.find((member) => view.get(member)) ?? HOP_META_KEYS.find((key) => meta?.get(key));
  if (foreign !== undefined) throw new BadRewrite(`it added ${foreign}, which belongs to one hop alone`);
  return view.bytes;
}

/** An outcome as a policy wants it, when it is sound. Nothing of it may be kept for others. @throws BadRewrite */
export function rewrittenOutcome(before: Outcome, after: unknown, limits: ScanLimits): Outcome {
  const { kind, result, error } = (after ?? {}) as { kind?: unknown; result?: unknown; error?: unknown };
  switch (kind) {
    case 'result': {
      const freshness = before.kind === 'result' ? before.freshness : undefined;
      const { bytes } = objectOf(result, limits, 'result');
      return { kind, result: bytes, ...(freshness && { freshness: { ...freshness, scope: 'private' } }) };
    }
    case 'error': {
      const view = objectOf(error, limits, 'error');
      const code = view.get('code')?.value();
      if (!Number.isSafeInteger(code) || view.get('message')?.string() === undefined) {
        throw new BadRewrite('its error has no code and message');
      }
      return { kind, code: code as number, error: view.bytes };
    }
    case 'input_required':
      if (before.kind !== 'input_required') throw new BadRewrite('it made up a question of the upstream');
      return { ...before, result: objectOf(result, limits, 'result').bytes };
    default:
      throw new BadRewrite('its outcome is none');
  }
}

function objectOf(json: unknown, limits: ScanLimits, what: string): JsonView {
  if (!Buffer.isBuffer(json)) throw new BadRewrite(`its ${what} is no Buffer`);
  const view = scan(json, limits);
  if (!(view instanceof JsonView)) throw new BadRewrite(`its ${what} is not JSON the gateway takes: ${view.reason}`);
  if (view.type !== 'object') throw new BadRewrite(`its ${what} is no JSON object`);
  return view;
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
