import { Draft, encodeHeaderValue, MCP_HEADERS, MODERN_META, namedMember, REQUEST_ID_META_KEY } from '#libs/mcp';
import type { Forwarded } from '../../credentials/forwarded-headers.js';
import { type ClientCapabilities, capabilitiesOf, NO_CAPABILITIES } from '../capabilities.js';
import type { Caller } from '../upstream-session.js';
import type { Outgoing } from './modern-wire.js';

const EMPTY = Draft.of(Buffer.from('{}'));

export interface OutgoingOptions {
  readonly version: string;
  /** JSON of the gateway's Implementation. */
  readonly clientInfo: string;
  readonly method: string;
  readonly params: Draft | undefined;
  readonly caller: Caller | undefined;
  /** Whether the transport has headers of its own for each request. */
  readonly hasHeaders: boolean;
  readonly paramHeaders?: Readonly<Record<string, string>> | undefined;
  /** Headers of a caller's own request that go along. */
  readonly forwarded?: Forwarded | undefined;
}

/** A modern request built from scratch: the envelope in `_meta` (M:base) and the headers that repeat it (M:http). */
export function outgoing(options: OutgoingOptions, id: number): Outgoing {
  const { caller, hasHeaders, method, params } = options;
  const { exchange } = caller ?? {};
  const meta: Record<string, string> = {
    [MODERN_META.protocolVersion]: JSON.stringify(options.version),
    [MODERN_META.clientInfo]: options.clientInfo,
    [MODERN_META.clientCapabilities]: capabilitiesJson(exchange ? capabilitiesOf(exchange.client) : NO_CAPABILITIES),
  };
  if (caller?.logLevel !== undefined) meta[MODERN_META.logLevel] = JSON.stringify(caller.logLevel);
  const headers: Record<string, string> = {};
  if (exchange) {
    // First, so that whatever the gateway says itself stays.
    if (hasHeaders) Object.assign(headers, options.forwarded?.(exchange.headers));
    // Always ask for progress: it is the sign of life that keeps a long call from running into its time limit.
    meta['progressToken'] = String(id);
    if (!hasHeaders) meta[REQUEST_ID_META_KEY] = JSON.stringify(exchange.id);
    else headers['x-request-id'] = exchange.id;
    if (hasHeaders && exchange.traceparent !== undefined) headers['traceparent'] = exchange.traceparent;
  }
  if (hasHeaders) {
    Object.assign(headers, options.paramHeaders);
    headers[MCP_HEADERS.method] = method;
    const member = namedMember(method);
    const name = member && params?.string(member);
    if (name !== undefined) headers[MCP_HEADERS.name] = encodeHeaderValue(name);
  }
  return { params: (params ?? EMPTY).with({ meta: { set: meta } }), headers };
}

/** The client's capabilities as this revision spells them. */
export function capabilitiesJson(declared: ClientCapabilities): string {
  return JSON.stringify({
    ...(declared.elicitationForm || declared.elicitationUrl
      ? {
          elicitation: {
            ...(declared.elicitationForm ? { form: {} } : {}),
            ...(declared.elicitationUrl ? { url: {} } : {}),
          },
        }
      : {}),
    ...(declared.sampling
      ? {
          sampling: {
            ...(declared.samplingTools ? { tools: {} } : {}),
            ...(declared.samplingContext ? { context: {} } : {}),
          },
        }
      : {}),
    ...(declared.roots ? { roots: {} } : {}),
  });
}

/** Answers and state of a retry in the params; what was there before goes. Both only where there is something to say. */
export function withAnswers(
  params: Draft | undefined,
  inputResponses: Buffer | string | undefined,
  requestState: string | undefined,
): Draft {
  const set: Record<string, Buffer | string> = {};
  if (inputResponses !== undefined) set['inputResponses'] = inputResponses;
  if (requestState !== undefined) set['requestState'] = JSON.stringify(requestState);
  return (params ?? EMPTY).with({ set, remove: ['inputResponses', 'requestState'] });
}
