/**
 * The bare proxy every figure is compared with: node:http in, one JSON.parse, the name spliced in the bytes, undici's
 * dispatch out, the reply's bytes passed through. It checks nobody and counts nothing. Plain JavaScript, so that what
 * strips types is not in its memory.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Pool } from 'undici';
import { collect } from './collect.mjs';
import { CachedLists } from './floor-lists.mjs';
import { Relay } from './floor-relay.mjs';
import { behindValue, memberAt } from './scan.mjs';

/**
 * @typedef {object} FloorConfig
 * @property {[name: string, url: string][]} upstreams
 * @property {'pass' | 'local'} sessions pass: requests about sessions go to the first upstream. local: answered here
 * @property {number[][]} views groups of tools hidden from each view
 */

/** @type {FloorConfig} */
const config = JSON.parse(process.argv[2] ?? '{}');
const routes = new Map(
  config.upstreams.map(([name, url]) => {
    const { origin, pathname } = new URL(url);
    // One pool each, as a gateway has; idle sockets stay open, as there.
    const pool = new Pool(origin, { connections: 1024, pipelining: 1, keepAliveTimeout: 60_000, bodyTimeout: 0 });
    return [name, { name, pool, path: pathname }];
  }),
);
const first = /** @type {import('./floor-relay.mjs').Route} */ ([...routes.values()][0]);
const lists = new CachedLists([...routes.values()], config.views);
const [PARAMS, NAME] = [Buffer.from('params'), Buffer.from('name')];

const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
  if (request.method === 'POST') collect(request, (body) => post(request, response, body));
  else if (config.sessions === 'pass') pass(first, request, response, null);
  else end(response, 204);
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stdout.write(`listening ${address.port}\n`);
});
process.on('SIGTERM', () => process.exit(0));

/** @typedef {import('node:http').IncomingMessage} Request @typedef {import('node:http').ServerResponse} Response */

/** @type {(request: Request, response: Response, body: Buffer) => void} */
function post(request, response, body) {
  const message = JSON.parse(body.toString());
  if (message.method === 'tools/call') return call(request, response, body, message.params.name);
  if (message.method === 'tools/list') return lists.serve(request, response, body, message.id);
  if (config.sessions === 'pass') return pass(first, request, response, body);
  if (message.id === undefined) return end(response, 202);
  response.setHeader('mcp-session-id', randomUUID());
  const result = { protocolVersion: message.params.protocolVersion, capabilities: { tools: {} }, serverInfo: INFO };
  const reply = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': reply.length });
  response.end(reply);
}

const INFO = { name: 'bare-proxy', version: '1.0.0' };

/** @type {(request: Request, response: Response, body: Buffer, name: string) => void} */
function call(request, response, body, name) {
  const colon = name.indexOf(':');
  const route = routes.get(name.slice(0, colon));
  if (!route) return end(response, 404);
  const own = name.slice(colon + 1);
  const at = memberAt(body, memberAt(body, 0, PARAMS), NAME);
  const spliced = Buffer.concat([
    body.subarray(0, at),
    Buffer.from(JSON.stringify(own)),
    body.subarray(behindValue(body, at)),
  ]);
  pass(route, request, response, spliced, own);
}

/** @type {(route: import('./floor-relay.mjs').Route, request: Request, response: Response, body: Buffer | null, name?: string) => void} */
function pass(route, request, response, body, name) {
  const relay = new Relay(response);
  const method = /** @type {string} */ (request.method);
  route.pool.dispatch({ method, path: route.path, headers: onward(request.headers, name), body }, relay);
  // A stream that stands open ends with its reader; a call's reply may as well run into the void.
  if (method === 'GET') response.on('close', () => relay.abort());
}

/** @type {(headers: import('node:http').IncomingHttpHeaders, name: string | undefined) => string[]} */
function onward(headers, name) {
  const list = ['accept', headers.accept ?? '*/*'];
  if (headers['content-type'] !== undefined) list.push('content-type', headers['content-type']);
  const version = headers['mcp-protocol-version'];
  if (version !== undefined) list.push('mcp-protocol-version', String(version));
  const session = headers['mcp-session-id'];
  if (session !== undefined) list.push('mcp-session-id', String(session));
  const method = headers['mcp-method'];
  if (method !== undefined) list.push('mcp-method', String(method));
  if (method !== undefined && name !== undefined) list.push('mcp-name', name);
  return list;
}

/** @type {(response: Response, status: number) => void} */
function end(response, status) {
  response.writeHead(status, { 'content-length': 0 });
  response.end();
}
