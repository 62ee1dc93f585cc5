import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ListToolsResultSchema, type Tool } from '@modelcontextprotocol/sdk/types.js';
import { within } from '#libs/kernel';
import { printable } from '../table.js';
import { UsageError } from './arguments.js';
import { bearer, causeCode, endpointOf, FAREWELL, noEndpointText, refusalText, unreachable } from './reach.js';

export interface ClientSettings {
  readonly url: string;
  readonly version: string;
  /** Bearer token or API key, for a gateway that wants to know who calls. */
  readonly token?: string | undefined;
  /** Somebody can answer questions of a tool. */
  readonly canAsk: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Opens a session, lets `work` use it, and closes it whatever happened.
 * @throws UsageError with a sentence when the gateway cannot be reached, or when `signal` ended the wait for it
 */
export async function withGateway<T>(
  settings: ClientSettings,
  prepare: (client: Client) => void,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const endpoint = endpointOf(settings.url);
  const client = new Client(
    { name: 'mcp-gateway-cli', version: settings.version },
    { capabilities: settings.canAsk ? { elicitation: {} } : {} },
  );
  prepare(client);
  const transport = new StreamableHTTPClientTransport(endpoint, { requestInit: { headers: bearer(settings.token) } });
  try {
    await client.connect(transport, settings.signal ? { signal: settings.signal } : {});
  } catch (thrown) {
    await client.close().catch(() => {});
    throw settings.signal?.aborted ? new UsageError('cancelled') : explain(thrown, settings);
  }
  try {
    return await work(client);
  } catch (thrown) {
    const cause = causeCode(thrown);
    if (settings.signal?.aborted) throw new UsageError('cancelled');
    if (cause === undefined) throw refused(thrown, settings) ?? thrown;
    throw new UsageError(
      `the connection to ${settings.url} was lost before the answer came (${cause}); is the gateway still running? What was asked may have been done`,
    );
  } finally {
    await within(FAREWELL, transport.terminateSession());
    await client.close().catch(() => {});
  }
}

/** Every tool of the endpoint, all pages. */
export async function listTools(client: Client, signal?: AbortSignal): Promise<Tool[]> {
  const tools: Tool[] = [];
  const seen = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await client.request(
      { method: 'tools/list', params: cursor === undefined ? {} : { cursor } },
      ListToolsResultSchema,
      signal ? { signal } : {},
    );
    tools.push(...page.tools);
    cursor = page.nextCursor;
  } while (cursor !== undefined && !seen.has(cursor) && seen.add(cursor));
  return tools;
}

/** A sentence for the usual reasons why no session can be opened. */
function explain(thrown: unknown, settings: ClientSettings): unknown {
  const { url } = settings;
  const gone = unreachable(thrown, url);
  if (gone) return gone;
  if ((thrown as { code?: unknown }).code === 404) return new UsageError(noEndpointText(url));
  return refused(thrown, settings) ?? thrown;
}

/** A sentence for an HTTP status that refuses, with what can be done about it. */
function refused(thrown: unknown, settings: ClientSettings): UsageError | undefined {
  const status = thrown instanceof UnauthorizedError ? 401 : thrown instanceof StreamableHTTPError ? thrown.code : 0;
  const said = refusalOf(thrown);
  const text = refusalText(status, said, settings);
  if (text !== undefined) return new UsageError(text);
  return said !== undefined && status !== undefined && status >= 400
    ? new UsageError(`${said} (HTTP ${status})`)
    : undefined;
}

/** What the gateway wrote into its refusal; the client library appends the body to its own message. */
function refusalOf(thrown: unknown): string | undefined {
  const text = thrown instanceof Error ? thrown.message : '';
  try {
    const body = JSON.parse(text.slice(text.indexOf('{'))) as { error?: unknown; error_description?: unknown };
    // OAuth's way of saying it (RFC 6750), or JSON-RPC's.
    const said = body.error_description ?? (body.error as { message?: unknown } | undefined)?.message;
    return typeof said === 'string' ? printable(said) : undefined;
  } catch {
    return undefined;
  }
}
