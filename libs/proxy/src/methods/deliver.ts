import type { View } from '#libs/catalogue';
import type { Exchange, Freshness, Outcome } from '#libs/kernel';
import { asLegacyResult, downgradeResult, projectStructured, rewriteResultUris } from '#libs/mcp';
import type { Desk } from './context.js';
import { deliverError } from './deliver-error.js';
import { deliverInputs } from './deliver-inputs.js';

/** Where an answer comes from and whom it goes to. */
export interface Delivery {
  readonly exchange: Exchange;
  readonly view: View;
  readonly server: string;
  readonly method: string;
  /** Maps the upstream's URIs to this client's; absent where there is nothing to map. */
  readonly map: ((uri: string) => string) | undefined;
  /** The tool's output schema is shown to legacy clients wrapped into an object, so its results are too. */
  readonly wrapsOutput: boolean;
  /** The upstream speaks the modern era only, so what it says to a legacy client has to be put in legacy terms. */
  readonly modernOnly: boolean;
}

/** An upstream's answer in the terms of this client: URIs in its spelling, content its revision knows. */
export function deliver(
  desk: Desk,
  exchange: Exchange,
  view: View,
  server: string,
  method: string,
  outcome: Outcome,
  wrapsOutput = false,
): Outcome {
  const map = exchange.endpoint.kind === 'server' ? undefined : uriMap(desk, exchange, view, server);
  const listing = desk.upstreams.get(server)?.listing;
  const modernOnly = listing?.era === 'modern' && !listing.dual;
  const delivery = { exchange, view, server, method, map, wrapsOutput, modernOnly };
  switch (outcome.kind) {
    case 'error':
      return deliverError(delivery, outcome);
    case 'input_required':
      return deliverInputs(delivery, outcome);
    case 'result':
      return deliverResult(delivery, outcome);
  }
}

function deliverResult(
  { exchange, method, map, wrapsOutput, modernOnly }: Delivery,
  outcome: Extract<Outcome, { kind: 'result' }>,
): Outcome {
  const { client } = exchange;
  const spelled = map ? rewriteResultUris(method, outcome.result, map) : outcome.result;
  if (client.era === 'modern') {
    return { ...outcome, result: spelled, ...(outcome.freshness && { freshness: narrowed(outcome.freshness, exchange) }) };
  }
  let result = modernOnly ? asLegacyResult(spelled) : spelled;
  if (modernOnly && method === 'tools/call') result = projectStructured(result, wrapsOutput);
  result = downgradeResult(method, result, client.version);
  return result === outcome.result ? outcome : { kind: 'result', result };
}

/** Public only while nothing depends on who asks. */
function narrowed(freshness: Freshness, { principal }: Exchange): Freshness {
  return principal.anonymous ? freshness : { ...freshness, scope: 'private' };
}

/** Remembers every URI it hands out, so that the same caller may pass it back to that server. */
function uriMap(desk: Desk, exchange: Exchange, view: View, server: string): (uri: string) => string {
  return (uri) => {
    desk.catalogue.noteHandedOut(exchange.principal.key, server, uri);
    return view.exposeUri(server, uri);
  };
}
