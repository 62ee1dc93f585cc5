import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CallToolRequestSchema,
  CreateMessageResultSchema,
  ElicitResultSchema,
  ListResourcesRequestSchema,
  ListRootsResultSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  RootsListChangedNotificationSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';

// A real MCP server for tests: in this process, as a child (`node lab-server.ts`), or over HTTP.

const TOOLS = [
  'echo',
  'who',
  'slow',
  'hang',
  'die',
  'ask',
  'ask-loose',
  'sample',
  'roots',
  'log',
  'grow',
  'touch',
  'journal',
];

/** What happened on one server object. */
export interface Journal {
  readonly id: string;
  calls: string[];
  cancelled: string[];
  subscribed: string[];
  unsubscribed: string[];
  levels: string[];
  rootsChanges: number;
}

export function createLabServer(options: { tools?: string[]; pageSize?: number } = {}): {
  server: Server;
  journal: Journal;
} {
  const tools = [...(options.tools ?? TOOLS)];
  const journal: Journal = {
    id: randomUUID(),
    calls: [],
    cancelled: [],
    subscribed: [],
    unsubscribed: [],
    levels: [],
    rootsChanges: 0,
  };
  const server = new Server(
    { name: 'lab', version: '1.0.0' },
    {
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} },
      instructions: 'a laboratory',
    },
  );
  server.setRequestHandler(ListToolsRequestSchema, (request) => {
    const size = options.pageSize ?? 1_000;
    const start = request.params?.cursor === undefined ? 0 : Number(request.params.cursor || '0');
    const page = tools.slice(start, start + size);
    const more = start + size < tools.length;
    return {
      tools: page.map((name) => ({ name, inputSchema: { type: 'object' as const } })),
      ...(more ? { nextCursor: String(start + size) } : {}),
    };
  });
  server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: [{ uri: 'lab://a', name: 'a' }] }));
  server.setRequestHandler(ReadResourceRequestSchema, (request) => ({
    contents: [{ uri: request.params.uri, text: journal.id }],
  }));
  server.setRequestHandler(SubscribeRequestSchema, (request) => {
    journal.subscribed.push(request.params.uri);
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, (request) => {
    journal.unsubscribed.push(request.params.uri);
    return {};
  });
  server.setRequestHandler(SetLevelRequestSchema, (request) => {
    journal.levels.push(request.params.level);
    return {};
  });
  server.setNotificationHandler(RootsListChangedNotificationSchema, () => {
    journal.rootsChanges++;
  });
  server.setRequestHandler(CallToolRequestSchema, async (request, extra) => {
    const { name } = request.params;
    const args = (request.params.arguments ?? {}) as Record<string, unknown>;
    const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value ?? null) }] });
    const form = {
      mode: 'form' as const,
      message: String(args['question'] ?? '?'),
      requestedSchema: { type: 'object' as const, properties: {} },
    };
    journal.calls.push(name);
    extra.signal.addEventListener('abort', () => journal.cancelled.push(name));
    switch (name) {
      case 'who':
        return text({
          pid: process.pid,
          server: journal.id,
          session: extra.sessionId,
          capabilities: server.getClientCapabilities(),
          client: server.getClientVersion(),
          meta: request.params._meta,
          headers: extra.requestInfo?.headers,
        });
      case 'slow': {
        const steps = Number(args['steps'] ?? 3);
        for (let step = 1; step <= steps; step++) {
          await new Promise((resolve) => setTimeout(resolve, Number(args['ms'] ?? 10)));
          const progressToken = request.params._meta?.progressToken;
          if (progressToken === undefined) continue;
          await extra.sendNotification({
            method: 'notifications/progress',
            params: { progressToken, progress: step, total: steps },
          });
        }
        return text('done');
      }
      case 'hang':
        return await new Promise<never>(() => {});
      case 'die':
        process.stderr.write('the lab is on fire\n');
        process.exit(Number(args['code'] ?? 3));
        break;
      case 'ask':
        return text(await extra.sendRequest({ method: 'elicitation/create', params: form }, ElicitResultSchema));
      case 'ask-loose':
        return text(await server.request({ method: 'elicitation/create', params: form }, ElicitResultSchema));
      case 'sample': {
        const params = { messages: [], maxTokens: 1 };
        return text(await extra.sendRequest({ method: 'sampling/createMessage', params }, CreateMessageResultSchema));
      }
      case 'roots':
        return text(await extra.sendRequest({ method: 'roots/list' }, ListRootsResultSchema));
      case 'log':
        await extra.sendNotification({
          method: 'notifications/message',
          params: { level: (args['level'] ?? 'info') as 'info', data: args['text'] },
        });
        return text('logged');
      case 'grow':
        tools.push(String(args['name']));
        await server.sendToolListChanged();
        return text('grown');
      case 'touch':
        await server.sendResourceUpdated({ uri: String(args['uri']) });
        return text('touched');
      case 'journal':
        return text(journal);
    }
    return text(args);
  });
  return { server, journal };
}

export interface HttpLab {
  readonly url: string;
  readonly journals: Journal[];
  /** Requests seen, by JSON-RPC method. */
  readonly posts: string[];
  /** Live session ids. */
  sessions(): string[];
  /** Forgets all sessions, as a restart would. */
  forget(): void;
  close(): Promise<void>;
}

/** The lab over streamable HTTP, with or without session ids. */
export async function startHttpLab(
  options: { stateful?: boolean; tools?: string[]; port?: number } = {},
): Promise<HttpLab> {
  const stateful = options.stateful ?? true;
  const transports = new Map<string, StreamableHTTPServerTransport>();
  const journals: Journal[] = [];
  const posts: string[] = [];
  const http = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = chunks.length > 0 ? (JSON.parse(Buffer.concat(chunks).toString()) as { method?: string }) : undefined;
    if (body?.method !== undefined) posts.push(body.method);
    const id = request.headers['mcp-session-id'];
    let transport = typeof id === 'string' ? transports.get(id) : undefined;
    if (stateful && id !== undefined && !transport) {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end('{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}');
      return;
    }
    if (!stateful && request.method !== 'POST') {
      response.writeHead(405).end();
      return;
    }
    if (!transport) {
      const lab = createLabServer(options.tools ? { tools: options.tools } : {});
      journals.push(lab.journal);
      const made: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
        sessionIdGenerator: stateful ? () => randomUUID() : undefined,
        onsessioninitialized: (sessionId) => void transports.set(sessionId, made),
        onsessionclosed: (sessionId) => void transports.delete(sessionId),
      });
      await lab.server.connect(made);
      if (!stateful) response.on('close', () => void lab.server.close());
      transport = made;
    }
    await transport.handleRequest(request, response, body);
  });
  await new Promise<void>((resolve) => http.listen(options.port ?? 0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    journals,
    posts,
    sessions: () => [...transports.keys()],
    forget: () => {
      for (const transport of transports.values()) void transport.close();
      transports.clear();
    },
    close: async () => {
      for (const transport of transports.values()) await transport.close();
      const closed = new Promise((resolve) => http.close(resolve));
      http.closeAllConnections();
      await closed;
    },
  };
}

/** The lab over the transport of revision 2024-11-05. */
export async function startSseLab(port = 0): Promise<{ url: string; port: number; close(): Promise<void> }> {
  const transports = new Map<string, SSEServerTransport>();
  const http = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://lab');
    if (request.method === 'GET') {
      const transport = new SSEServerTransport('/messages', response);
      transports.set(transport.sessionId, transport);
      response.on('close', () => transports.delete(transport.sessionId));
      await createLabServer().server.connect(transport);
      return;
    }
    const transport = transports.get(url.searchParams.get('sessionId') ?? '');
    if (transport) await transport.handlePostMessage(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
  const bound = (http.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}/sse`,
    port: bound,
    close: async () => {
      const closed = new Promise((resolve) => http.close(resolve));
      http.closeAllConnections();
      await closed;
    },
  };
}

export const LAB_SERVER = fileURLToPath(import.meta.url);

if (process.argv[1] === LAB_SERVER) {
  await createLabServer().server.connect(new StdioServerTransport());
}
