import type { View } from '#libs/catalogue';
import type { Exchange, Outcome } from '#libs/kernel';
import { atLeast, downgradeResult, JsonView, rewriteResultUris, splice, withoutHopMeta } from '#libs/mcp';
import type { Desk, Request } from './context.js';

const URL_ELICITATION_REQUIRED = -32042;

/** A URI the client asked for: the upstream's own, and how the client spelled it. */
export interface AskedUri {
  readonly uri: string;
  readonly spelled: string;
}

/**
 * An upstream's answer in the terms of this client: URIs in its spelling, content its revision knows, nothing that
 * belongs to the upstream's hop.
 */
export function deliver(
  desk: Desk,
  { exchange, view, message: { method } }: Request,
  server: string,
  outcome: Outcome,
  asked?: AskedUri,
): Outcome {
  const map = exchange.endpoint.kind === 'server' ? undefined : uriMap(desk, exchange, view, server, asked);
  if (outcome.kind === 'error') return deliverError(exchange, method, outcome, map);
  const own = withoutHopMeta(outcome.result);
  const spelled = map ? rewriteResultUris(method, own, map) : own;
  const result = downgradeResult(method, spelled, exchange.client.version);
  return result === outcome.result ? outcome : { kind: 'result', result };
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

function deliverError(
  exchange: Exchange,
  method: string,
  outcome: Extract<Outcome, { kind: 'error' }>,
  map: ((uri: string) => string) | undefined,
): Outcome {
  if (outcome.code === URL_ELICITATION_REQUIRED && !atLeast(exchange.client.version, '2025-11-25')) {
    if (method === 'tools/call') return asToolError(outcome.error);
  }
  const uri = map && JsonView.of(outcome.error).at('data', 'uri');
  const text = uri?.string();
  if (!map || !uri || text === undefined) return outcome;
  const error = splice(outcome.error, [{ start: uri.start, end: uri.end, text: JSON.stringify(map(text)) }]);
  return { ...outcome, error };
}

/** Revisions before 2025-11-25 do not know the error that asks for a visit to a URL: people get it as text. */
function asToolError(error: Buffer): Outcome {
  const view = JsonView.of(error);
  const visits = (view.at('data', 'elicitations')?.items() ?? []).map((ask) => {
    const message = ask.get('message')?.string() ?? 'Open';
    return `${message}: ${ask.get('url')?.string() ?? ''}`;
  });
  const text = [view.get('message')?.string() ?? 'A visit to a web page is needed', ...visits].join('\n');
  const result = Buffer.from(JSON.stringify({ content: [{ type: 'text', text }], isError: true }));
  return { kind: 'result', result };
}
