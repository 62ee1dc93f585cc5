/** The fast upstream: an MCP server of either era whose tools echo. It does what the protocol needs and no more. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collect } from './collect.mjs';
import { type Message, readMessage } from './message.ts';
import { type Refusal, refusalOf } from './refusals.ts';
import { discoverResult, echoResult, emptyResult, initializeResult, listResult, type Result } from './results.ts';
import { UpstreamSessions } from './sessions.ts';
import { HUNG_PATH, type Shape, shapeOf } from './shape.ts';

const shapes = new Map<string, Shape | undefined>();
const sessions = new UpstreamSessions();
const counts = { calls: 0, refused: 0 };

const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
  const path = request.url ?? '';
  if (path === HUNG_PATH) return;
  if (!shapes.has(path)) shapes.set(path, shapeOf(path));
  const shape = shapes.get(path);
  if (path === '/counts') sendJson(response, Buffer.from(JSON.stringify(counts)));
  else if (!shape) end(response, 404);
  else if (request.method === 'POST') collect(request, (body) => answer(shape, request, response, body));
  else sessionRequest(shape, request, response);
});
// A storm of connections must not be refused because of the queue in front of accept.
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  process.stdout.write(`listening ${(server.address() as AddressInfo).port}\n`);
});
process.on('SIGTERM', () => process.exit(0));

function answer(shape: Shape, request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  const message = readMessage(body);
  const { id } = message;
  const refusal = refusalOf(shape, request.headers, message, sessions);
  if (refusal) {
    refuse(shape, response, id, refusal);
  } else if (id === undefined) {
    end(response, 202);
  } else {
    const result = resultOf(shape, message, response);
    if (message.method !== 'tools/call' || shape.delay === 0) sendResult(shape, response, id, result);
    else setTimeout(() => sendResult(shape, response, id, result), shape.delay);
  }
}

function resultOf(shape: Shape, { method, text }: Message, response: ServerResponse): Result {
  switch (method) {
    case 'tools/call':
      counts.calls += 1;
      return echoResult(shape, text);
    case 'tools/list':
      return listResult(shape);
    case 'initialize':
      if (shape.state === 'sessions') response.setHeader('mcp-session-id', sessions.open());
      return initializeResult();
    case 'server/discover':
      return discoverResult();
    default:
      return emptyResult(shape);
  }
}

/** GET and DELETE, which only servers with sessions know. */
function sessionRequest(shape: Shape, request: IncomingMessage, response: ServerResponse): void {
  const id = String(request.headers['mcp-session-id']);
  if (shape.state === 'none') {
    end(response, 405);
  } else if (!sessions.has(id)) {
    end(response, 404);
  } else if (request.method === 'DELETE') {
    sessions.close(id);
    end(response, 204);
  } else {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.flushHeaders();
    sessions.holdStream(id, response);
  }
}

function sendResult(shape: Shape, response: ServerResponse, id: number | string, parts: Result): void {
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":`;
  if (shape.reply === 'json') {
    sendJson(response, Buffer.concat([Buffer.from(head), ...parts, CLOSE]));
  } else {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.end(Buffer.concat([Buffer.from(`event: message\ndata: ${head}`), ...parts, CLOSE_EVENT]));
  }
}

const CLOSE = Buffer.from('}');
const CLOSE_EVENT = Buffer.from('}\n\n');

function refuse(shape: Shape, response: ServerResponse, id: unknown, { status, code, message }: Refusal): void {
  counts.refused += 1;
  const body = {
    jsonrpc: '2.0',
    ...(id === undefined ? {} : { id }),
    error: { code, message: `${shape.era}: ${message}` },
  };
  response.statusCode = status;
  sendJson(response, Buffer.from(JSON.stringify(body)));
}

function sendJson(response: ServerResponse, body: Buffer): void {
  response.writeHead(response.statusCode, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

function end(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': 0 });
  response.end();
}
