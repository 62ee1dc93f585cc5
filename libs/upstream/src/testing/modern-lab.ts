import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import {
  createMcpHandler,
  inputRequired,
  isLegacyRequest,
  McpServer,
  type McpServerFactory,
  type ServerNotifier,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

// A real server of the modern era for tests: over HTTP, or as a child (`node modern-lab.ts [legacy posture]`).

type Json = Record<string, unknown>;

/** What happened at one lab, over all its requests. */
export interface ModernJournal {
  calls: string[];
  cancelled: string[];
  eras: string[];
}

const EMPTY = { type: 'object' as const, properties: {} };
const REGION = { type: 'object' as const, properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } };
const TOOLS = ['echo', 'who', 'slow', 'hang', 'log', 'ask', 'ask-url', 'sample', 'roots', 'both', 'patient', 'endless'];
const CHANGES = ['grow', 'touch', 'die', 'annotated', 'alien', 'wipe'];

/** State all requests of one lab share. */
export class ModernLab {
  readonly journal: ModernJournal = { calls: [], cancelled: [], eras: [] };
  readonly tools = [...TOOLS, ...CHANGES];
  /** Publishes on listen streams over HTTP; on stdio the one server does it. */
  notifier: ServerNotifier | undefined;
  /** The header the annotated tool wants now. */
  header = 'Region';
  ttlMs: number | undefined;

  readonly factory: McpServerFactory = ({ era }) => {
    const lab = this;
    this.journal.eras.push(era);
    class TableServer extends McpServer {
      // The SDK asks for it when it checks the headers of a call.
      override toolInputSchemaJson(name: string): Json | undefined {
        return name === 'annotated' ? lab.#annotated() : undefined;
      }
    }
    const mcp = new TableServer({ name: 'modern-lab', version: '2.0.0' }, {
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true, listChanged: true }, logging: {} },
      instructions: 'a modern laboratory',
      ...(this.ttlMs === undefined
        ? {}
        : { cacheHints: { 'tools/list': { ttlMs: this.ttlMs, cacheScope: 'public' } } }),
    } as never);
    const { server } = mcp;
    server.setRequestHandler('tools/list', () => ({
      tools: lab.tools.map((name) => ({
        name,
        inputSchema: (name === 'annotated' ? lab.#annotated() : EMPTY) as typeof EMPTY,
      })),
    }));
    server.setRequestHandler('resources/list', () => ({ resources: [{ uri: 'lab://a', name: 'a' }] }));
    server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [] }));
    server.setRequestHandler('resources/read', ({ params }) => ({ contents: [{ uri: params.uri, text: 'read' }] }));
    server.setRequestHandler('tools/call', async ({ params }, ctx) => {
      const { name } = params;
      const args = (params.arguments ?? {}) as Json;
      const given = (ctx.mcpReq.inputResponses ?? {}) as Record<string, Json>;
      const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value ?? null) }] });
      const form = { message: String(args['question'] ?? '?'), requestedSchema: EMPTY };
      lab.journal.calls.push(name);
      ctx.mcpReq.signal.addEventListener('abort', () => lab.journal.cancelled.push(name));
      switch (name) {
        case 'who':
          return text({
            pid: process.pid,
            era,
            envelope: ctx.mcpReq.envelope,
            meta: ctx.mcpReq._meta,
            headers: Object.fromEntries(ctx.http?.req?.headers ?? []),
          });
        case 'slow': {
          const progressToken = ctx.mcpReq._meta?.progressToken;
          for (let progress = 1; progress <= Number(args['steps'] ?? 3) && progressToken !== undefined; progress++) {
            await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress } });
          }
          return text('done');
        }
        case 'hang':
          return await new Promise<never>(() => {});
        case 'die':
          process.exit(3);
          break;
        case 'log':
          await ctx.mcpReq.log((args['level'] ?? 'info') as 'info', args['text']);
          return text('logged');
        case 'ask':
          if (given['form']) return text(given['form']);
          return inputRequired({ inputRequests: { form: inputRequired.elicit(form) }, requestState: 'state-1' });
        case 'ask-url':
          if (given['page']) return text(given['page']);
          return inputRequired({
            inputRequests: { page: inputRequired.elicitUrl({ message: 'visit', url: 'https://example.com/' }) },
          });
        case 'sample':
          if (given['model']) return text(given['model']);
          return inputRequired({
            inputRequests: { model: inputRequired.createMessage({ messages: [], maxTokens: 1 }) },
          });
        case 'roots':
          if (given['where']) return text(given['where']);
          return inputRequired({ inputRequests: { where: inputRequired.listRoots() } });
        case 'both':
          if (given['one'] && given['two']) return text({ ...given, state: ctx.mcpReq.requestState() });
          return inputRequired({
            inputRequests: { one: inputRequired.elicit(form), two: inputRequired.listRoots() },
            requestState: 'opaque "state" \u{1f600}',
          });
        case 'patient': {
          const state = Number(ctx.mcpReq.requestState() ?? 0);
          return state >= Number(args['rounds'] ?? 2)
            ? text({ rounds: state })
            : inputRequired({ requestState: String(state + 1) });
        }
        case 'endless':
          return inputRequired({ inputRequests: { form: inputRequired.elicit(form) }, requestState: 'again' });
        case 'grow':
          lab.tools.push(String(args['name']));
          lab.notifier?.toolsChanged();
          await server.sendToolListChanged().catch(() => {});
          return text('grown');
        case 'touch':
          lab.notifier?.resourceUpdated(String(args['uri']));
          await server.sendResourceUpdated({ uri: String(args['uri']) }).catch(() => {});
          return text('touched');
      }
      return text(args);
    });
    return mcp;
  };

  #annotated(): Json {
    if (this.header === 'Region') return REGION;
    return { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': this.header } } };
  }
}

export interface ModernHttpLab {
  readonly url: string;
  readonly port: number;
  readonly lab: ModernLab;
  readonly journal: ModernJournal;
  /** Requests seen: JSON-RPC method and headers. */
  readonly seen: { readonly method: string; readonly headers: Headers }[];
  count(method: string): number;
  /** Ends all listen streams, as a server that shuts down does. */
  hangUp(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The lab over streamable HTTP. `legacy`: modern only, without sessions beside it, or with sessions.
 */
export async function startModernLab(
  options: { legacy?: 'reject' | 'stateless' | 'sessions'; port?: number; lab?: ModernLab } = {},
): Promise<ModernHttpLab> {
  const legacy = options.legacy ?? 'reject';
  const lab = options.lab ?? new ModernLab();
  const make = () =>
    createMcpHandler(lab.factory, { legacy: legacy === 'stateless' ? 'stateless' : 'reject', onerror: () => {} });
  let handler = make();
  lab.notifier = handler.notify;
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const seen: ModernHttpLab['seen'] = [];
  const legacySession = async (request: Request): Promise<Response> => {
    const id = request.headers.get('mcp-session-id');
    const known = id === null ? undefined : sessions.get(id);
    if (known) return known.handleRequest(request);
    if (id !== null) return new Response('', { status: 404 });
    const transport: WebStandardStreamableHTTPServerTransport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (session) => void sessions.set(session, transport),
      onsessionclosed: (session) => void sessions.delete(session),
    });
    const server = await lab.factory({ era: 'legacy' });
    await server.connect(transport);
    return transport.handleRequest(request);
  };
  const http = createServer(async (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once('close', () => gone.abort());
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const headers = new Headers();
    for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
      headers.append(incoming.rawHeaders[at]!, incoming.rawHeaders[at + 1]!);
    }
    const method = incoming.method as string;
    if (body.length > 0) seen.push({ method: (JSON.parse(body.toString()) as { method: string }).method, headers });
    const request = new Request(`http://${headers.get('host')}${incoming.url}`, {
      method,
      headers,
      signal: gone.signal,
      ...(method === 'POST' ? { body } : {}),
    });
    try {
      const sessionful = legacy === 'sessions' && (await isLegacyRequest(request.clone()));
      const response = sessionful ? await legacySession(request) : await handler.fetch(request);
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      if (!response.body) {
        outgoing.end();
        return;
      }
      outgoing.flushHeaders();
      const stream = Readable.fromWeb(response.body as never);
      stream.on('error', () => outgoing.destroy());
      gone.signal.addEventListener('abort', () => stream.destroy(), { once: true });
      stream.pipe(outgoing);
    } catch {
      outgoing.destroy();
    }
  });
  await new Promise<void>((resolve) => http.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    port,
    lab,
    journal: lab.journal,
    seen,
    count: (method) => seen.filter((request) => request.method === method).length,
    hangUp: async () => {
      const before = handler;
      handler = make();
      lab.notifier = handler.notify;
      await before.close();
    },
    close: async () => {
      await handler.close();
      for (const transport of sessions.values()) await transport.close();
      const closed = new Promise((resolve) => http.close(resolve));
      http.closeAllConnections();
      await closed;
    },
  };
}

export const MODERN_LAB = fileURLToPath(import.meta.url);

if (process.argv[1] === MODERN_LAB) {
  serveStdio(new ModernLab().factory, { legacy: process.argv[2] === 'serve' ? 'serve' : 'reject' });
}
