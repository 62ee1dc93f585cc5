import { groupOf } from './tools.mjs';

/** The header that says which view a list is for; only the bare proxy is told, it has nobody to decide by. */
const VIEW_HEADER = 'x-bench-view';

/** Lists as ready-made bytes, one per view, made from what the upstreams said once. Serving one is three writes in one. */
export class CachedLists {
  #routes;
  #views;
  /** @type {Promise<Buffer[]> | undefined} */
  #making;
  /** @type {Buffer[] | undefined} */
  #made;

  /**
   * @param {import('./floor-relay.mjs').Route[]} routes
   * @param {number[][]} views groups of tools hidden from each view
   */
  constructor(routes, views) {
    this.#routes = routes;
    this.#views = views;
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   * @param {Buffer} body
   * @param {unknown} id
   */
  serve(request, response, body, id) {
    const view = Number(request.headers[VIEW_HEADER] ?? 0);
    if (this.#made) return send(response, id, this.#made[view]);
    this.#making ??= this.#make(request.headers, body);
    this.#making.then(
      (made) => {
        this.#made = made;
        send(response, id, made[view]);
      },
      (error) => response.writeHead(502, { 'content-type': 'text/plain' }).end(String(error)),
    );
  }

  /**
   * The first client's own request asks the upstreams, so that it has what its era needs.
   * @param {import('node:http').IncomingHttpHeaders} received
   * @param {Buffer} body
   */
  async #make(received, body) {
    const names = ['content-type', 'accept', 'mcp-protocol-version', 'mcp-method', 'mcp-session-id'];
    /** @type {Record<string, string>} */
    const headers = {};
    for (const name of names) if (received[name] !== undefined) headers[name] = String(received[name]);
    const results = await Promise.all(
      this.#routes.map(async ({ name, pool, path }) => {
        const reply = await pool.request({ method: 'POST', path, headers, body });
        const { result } = /** @type {{ result: { tools: { name: string }[] } }} */ (
          readReply(await reply.body.text())
        );
        return { ...result, tools: result.tools.map((tool) => ({ ...tool, name: `${name}:${tool.name}` })) };
      }),
    );
    const tools = results.flatMap((result) => result.tools);
    return this.#views.map((hidden) => {
      const visible = tools.filter((tool) => !hidden.includes(groupOf(tool.name)));
      return Buffer.from(JSON.stringify({ ...results[0], tools: visible }));
    });
  }
}

const CLOSE = Buffer.from('}');

/** @type {(response: import('node:http').ServerResponse, id: unknown, list: Buffer | undefined) => void} */
function send(response, id, list) {
  if (!list) return void response.writeHead(404, { 'content-length': 0 }).end();
  const head = Buffer.from(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":`);
  response.cork();
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': head.length + list.length + CLOSE.length,
  });
  response.write(head);
  response.write(list);
  response.end(CLOSE);
  response.uncork();
}

/** @param {string} text JSON, or one event */
function readReply(text) {
  const data = text.startsWith('{') ? text : text.slice(text.indexOf('data: ') + 6);
  return JSON.parse(data);
}
