import type { Order, Outcome } from '../ledger/call.js';

/** Longest a client waits, in milliseconds. Every limit of an experiment's gateway is shorter, so more is a lost answer. */
export const PATIENCE = 15_000;

/** Something that calls tools through the gateway and says what came of it. It never throws. */
export interface ChaosClient {
  readonly name: string;
  call(order: Order): Promise<Outcome>;
  close(): Promise<void>;
}

export function toolOf({ upstream, tool, nonce, ms, size }: Order) {
  return { name: `${upstream}:${tool}`, arguments: { nonce, ms, size } };
}
