import type { Endpoint } from '#libs/kernel';
import type { Listing } from '#libs/mcp';

/** What an InitializeResult may promise. `listChanged` always: the gateway's own configuration can change any list. */
export interface ServerCapabilities {
  tools?: { listChanged: true };
  prompts?: { listChanged: true };
  resources?: { listChanged: true; subscribe?: true };
  completions?: object;
  logging?: object;
}

/**
 * The capabilities of an endpoint. One upstream: exactly what it declared. Several: the union, with tools always. While
 * one of them was never heard of, everything: it may join sessions that are open by then, and a client never
 * asks again.
 */
export function mergeCapabilities(
  endpoint: Endpoint,
  listings: readonly Listing[],
  unheard: boolean,
): ServerCapabilities {
  const has = (name: string): boolean => unheard || listings.some(({ capabilities }) => capabilities[name] != null);
  const canSubscribe = unheard || listings.some(({ capabilities }) => subscribes(capabilities['resources']));
  const merged: ServerCapabilities = {};
  if (endpoint.kind !== 'server' || has('tools')) merged.tools = { listChanged: true };
  if (has('prompts')) merged.prompts = { listChanged: true };
  if (has('resources')) merged.resources = { listChanged: true, ...(canSubscribe && { subscribe: true as const }) };
  if (has('completions')) merged.completions = {};
  if (has('logging')) merged.logging = {};
  return merged;
}

function subscribes(resources: unknown): boolean {
  return (
    typeof resources === 'object' && resources !== null && (resources as { subscribe?: unknown }).subscribe === true
  );
}
