import { GatewayError, type Outcome } from '#libs/kernel';
import { isLegacyVersion, JsonView, LATEST_LEGACY } from '#libs/mcp';
import type { ClientCapabilities } from './capabilities.js';
import { saidIn } from './failures.js';

/** What an upstream said of itself at `initialize`. */
export interface Welcome {
  readonly version: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly serverInfo: Readonly<Record<string, unknown>>;
  readonly instructions: string | undefined;
}

/** Params of `initialize`: the newest legacy revision, the client's relayed capabilities, the gateway's own name (L:life). */
export function initializeParams(capabilities: ClientCapabilities, gatewayVersion: string): Buffer {
  const clientInfo = JSON.stringify({ name: 'mcp-gateway', version: gatewayVersion });
  return Buffer.from(
    `{"protocolVersion":"${LATEST_LEGACY}","capabilities":${capabilities.json},"clientInfo":${clientInfo}}`,
  );
}

/** @throws GatewayError UPSTREAM_PROTOCOL when the answer is an error, misshapen, or of a revision nobody speaks */
export function readWelcome(server: string, outcome: Outcome): Welcome {
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
