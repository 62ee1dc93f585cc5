import type { Order, Outcome } from '../ledger/call.js';

/**
 * Longest a client waits, in milliseconds. Every limit of an experiment's gateway is far shorter: on a machine with no core to
 * spare answers come late, and only one that never comes is lost.
 */
const PATIENCE = 60_000;
/** The last part of it. Where this process itself stood still, what came meanwhile is read within that. */
const GRACE = 2_000;

/** Has `tell` called when nothing came for that long; the result calls it off. */
export function onSilence(tell: () => void): () => void {
  let timer = setTimeout(() => {
    timer = setTimeout(tell, GRACE);
  }, PATIENCE - GRACE);
  return () => clearTimeout(timer);
}

/** Something that calls tools through the gateway and says what came of it. It never throws. */
export interface ChaosClient {
  readonly name: string;
  call(order: Order): Promise<Outcome>;
  close(): Promise<void>;
}

export function toolOf({ upstream, tool, nonce, ms, size, ask }: Order) {
  return { name: `${upstream}:${tool}`, arguments: { nonce, ms, size, ...(ask && { ask }) } };
}
