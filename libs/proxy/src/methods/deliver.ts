import type { View } from '#libs/catalogue';
import type { Exchange, Freshness, Outcome } from '#libs/kernel';
import {
  ALL_MARKS,
  asLegacyResult,
  downgradeResult,
  MARKS,
  projectStructured,
  rewriteResultUris,
  withoutHopMeta,
  withoutLinks,
} from '#libs/mcp';
import type { Desk, Request } from './context.js';
import { deliverError } from './deliver-error.js';
import { deliverInputs } from './deliver-inputs.js';
import type { AskedUri, DeliverOptions, Delivery } from './delivery.js';

type Result = Extract<Outcome, { kind: 'result' }>;

/** All that deliverResult looks for. */
const TOLD_APART = MARKS.meta | MARKS.link | MARKS.uri | MARKS.envelope | MARKS.structuredContent | MARKS.audio;

/**
 * An upstream's answer in the terms of this client: URIs in its spelling, content its era and revision know, no links to
 * what is hidden from it, nothing that belongs to the upstream's hop.
 */
export function deliver(
  desk: Desk,
  { exchange, view, message: { method } }: Request,
  server: string,
  outcome: Outcome,
  { asked, wrapsOutput }: DeliverOptions = {},
): Outcome {
  // Most results have nothing that anybody is told differently.
  if (outcome.kind === 'result' && !outcome.freshness && !((outcome.marks ?? ALL_MARKS) & TOLD_APART)) return outcome;
  const map = exchange.endpoint.kind === 'server' ? undefined : uriMap(desk, exchange, view, server, asked);
  const listing = desk.upstreams.get(server)?.listing;
  const modernOnly = listing?.era === 'modern' && !listing.dual;
  const hides = (uri: string) => desk.catalogue.hidesResource(exchange.principal, server, uri);
  const delivery = { asked, wrapsOutput, exchange, view, server, method, map, hides, modernOnly };
  switch (outcome.kind) {
    case 'error':
      return deliverError(delivery, outcome);
    case 'input_required':
      return deliverInputs(delivery, outcome);
    case 'result':
      return deliverResult(delivery, outcome);
  }
}

/** What there is to be done is told by the marks of whoever read the result. */
function deliverResult({ exchange, method, map, hides, wrapsOutput, modernOnly }: Delivery, outcome: Result): Outcome {
  const { client } = exchange;
  const { marks = ALL_MARKS } = outcome;
  let { result } = outcome;
  if (marks & MARKS.meta) result = withoutHopMeta(result);
  if (marks & MARKS.link) result = withoutLinks(method, result, hides);
  if (map && marks & MARKS.uri) result = rewriteResultUris(method, result, map);
  if (client.era === 'modern') {
    const { freshness } = outcome;
    return { kind: 'result', result, marks, ...(freshness && { freshness: narrowed(freshness, exchange) }) };
  }
  if (modernOnly && marks & (MARKS.meta | MARKS.envelope)) result = asLegacyResult(result);
  if (modernOnly && method === 'tools/call' && marks & MARKS.structuredContent) {
    result = projectStructured(result, wrapsOutput ?? false);
  }
  if (marks & (MARKS.link | MARKS.audio)) result = downgradeResult(method, result, client.version);
  return result === outcome.result ? outcome : { kind: 'result', result, marks };
}

/** Public only while nothing depends on who asks. */
function narrowed(freshness: Freshness, { principal }: Exchange): Freshness {
  return principal.anonymous ? freshness : { ...freshness, scope: 'private' };
}

/** Remembers every URI it hands out, so that the same caller may pass it back to that server. */
function uriMap(
  desk: Desk,
  exchange: Exchange,
  view: View,
  server: string,
  asked: AskedUri | undefined,
): (uri: string) => string {
  return (uri) => {
    if (uri === asked?.uri) return asked.spelled;
    desk.catalogue.noteHandedOut(exchange.principal.key, server, uri);
    return view.exposeUri(server, uri);
  };
}
