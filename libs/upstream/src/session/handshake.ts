import { GatewayError, type Outcome } from '#libs/kernel';
import { Draft, isLegacyVersion, JsonView, LATEST_LEGACY } from '#libs/mcp';
import type { ClientCapabilities } from './capabilities.js';
import { saidIn } from './failures.js';
import type { SessionRequest } from './upstream-session.js';

/** What an upstream said of itself at `initialize`. */
export interface Welcome {
  readonly version: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly serverInfo: Readonly<Record<string, unknown>>;
  readonly instructions: string | undefined;
}

/** Before anything was said. */
export const NO_WELCOME: Welcome = { version: '', capabilities: {}, serverInfo: {}, instructions: undefined };

/** The request that opens a session, which has `startTimeout` milliseconds in all. */
export function initializeRequest(
  capabilities: ClientCapabilities,
  gatewayVersion: string,
  startTimeout: number,
): SessionRequest {
  return {
    method: 'initialize',
    params: initializeParams(capabilities, gatewayVersion),
    subject: 'initialize',
    timeout: startTimeout,
    maxTotal: startTimeout,
  };
}

/**
 * Params of `initialize`: the newest legacy revision, the client's relayed capabilities, the gateway's own name (L:life). They
 * are put together once for each set of capabilities, of which most clients have one of few.
 */
function initializeParams(capabilities: ClientCapabilities, gatewayVersion: string): Draft {
  const known = spoken.get(capabilities);
  if (known?.version === gatewayVersion) return known.params;
  const clientInfo = JSON.stringify({ name: 'mcp-gateway', version: gatewayVersion });
  const params = Draft.of(
    Buffer.from(
      `{"protocolVersion":"${LATEST_LEGACY}","capabilities":${capabilities.json},"clientInfo":${clientInfo}}`,
    ),
  );
  spoken.set(capabilities, { version: gatewayVersion, params });
  return params;
}

const spoken = new WeakMap<ClientCapabilities, { readonly version: string; readonly params: Draft }>();

/** Reads what one upstream says of itself. To most sessions it says the same, which is kept once for all of them. */
export class WelcomeReader {
  #last: { readonly said: Buffer; readonly welcome: Welcome } | undefined;

  constructor(private readonly server: string) {}

  /** @throws GatewayError UPSTREAM_PROTOCOL when the answer is an error, misshapen, or of a revision nobody speaks */
  read(outcome: Outcome): Welcome {
    const known = this.#last;
    if (known && outcome.kind === 'result' && known.said.equals(outcome.result)) return known.welcome;
    const welcome = readWelcome(this.server, outcome);
    if (outcome.kind === 'result') this.#last = { said: Buffer.from(outcome.result), welcome };
    return welcome;
  }
}

function readWelcome(server: string, outcome: Outcome): Welcome {
  if (outcome.kind === 'error') {
    throw protocolError(server, `${server} refused initialize: ${outcome.code} ${saidIn(outcome.error)}`);
  }
  const result = JsonView.of(outcome.result);
  const version = result.get('protocolVersion')?.string();
  if (version === undefined) {
    throw protocolError(server, `${server} answered initialize without a protocolVersion; it may not be an MCP server`);
  }
  if (!isLegacyVersion(version)) {
    const shown = JSON.stringify(version.slice(0, 40));
    throw protocolError(server, `${server} speaks protocol version ${shown}, which the gateway does not know`);
  }
  return {
    version,
    capabilities: objectOf(result.get('capabilities')),
    serverInfo: objectOf(result.get('serverInfo')),
    instructions: result.get('instructions')?.string(),
  };
}

/** An object's value; an empty one in place of anything else. */
export function objectOf(view: JsonView | undefined): Readonly<Record<string, unknown>> {
  return view?.type === 'object' ? (view.value() as Record<string, unknown>) : {};
}

function protocolError(server: string, message: string): GatewayError {
  return new GatewayError('UPSTREAM_PROTOCOL', message, { data: { server } });
}
