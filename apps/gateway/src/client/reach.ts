import { UsageError } from './arguments.js';

export const DEFAULT_URL = 'http://127.0.0.1:8082/mcp';

/** Milliseconds that ending a session may take: the gateway need not hear of it. */
export const FAREWELL = 2_000;

/** @throws UsageError when it is no address of a gateway */
export function endpointOf(url: string): URL {
  try {
    const endpoint = new URL(url);
    if (endpoint.protocol === 'http:' || endpoint.protocol === 'https:') return endpoint;
  } catch {
    // said below
  }
  throw new UsageError(`'${url}' is not a URL; write one like ${DEFAULT_URL}`);
}

/** The header that carries a token. @throws UsageError when none can */
export function bearer(token: string | undefined): Record<string, string> {
  if (token === undefined) return {};
  if (/^[\x21-\x7e]+$/.test(token)) return { authorization: `Bearer ${token}` };
  throw new UsageError('the token has characters no header can carry; is there a line break in it?');
}

/** A sentence for the usual reasons why a gateway cannot be reached; undefined when it is none of the network. */
export function unreachable(thrown: unknown, url: string): UsageError | undefined {
  const cause = causeCode(thrown);
  if (cause === 'ECONNREFUSED') {
    return new UsageError(
      `nothing answers at ${url}; is the gateway running? Start it with \`npm start\` or \`npx mcp-gateway serve\`, or name another address with --url`,
    );
  }
  if (cause === 'ENOTFOUND' || cause === 'EAI_AGAIN') return new UsageError(`the host of ${url} cannot be found`);
  return cause === undefined ? undefined : new UsageError(`cannot reach ${url}: ${cause}`);
}

/** A sentence for an HTTP status that lets nobody in, with what can be done about it; `said` is the gateway's own. */
export function refusalText(
  status: number | undefined,
  said: string | undefined,
  { url, token }: { readonly url: string; readonly token?: string | undefined },
): string | undefined {
  const why = said === undefined ? '' : `: ${said}`;
  switch (status) {
    case 401:
      return `${url} refuses this caller (HTTP 401)${why}; ${
        token === undefined
          ? 'set MCP_GATEWAY_TOKEN to an access token or an API key of this gateway'
          : 'the token in use is expired or not meant for this gateway: its log says why'
      }`;
    case 403:
      return `${url} refuses this caller (HTTP 403)${why}`;
    default:
      return undefined;
  }
}

/** What HTTP 404 says before there is a session; within one it says that the session is gone. */
export function noEndpointText(url: string): string {
  return `there is no MCP endpoint at ${url}; the gateway's are /mcp and /mcp/<server>`;
}

/** The system's or the HTTP library's code of what lies behind an error. */
export function causeCode(thrown: unknown): string | undefined {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth += 1) {
    const { code } = error as { code?: unknown };
    if (typeof code === 'string' && /^(E[A-Z_]+|UND_ERR_[A-Z_]+)$/.test(code)) return code;
  }
  return undefined;
}
