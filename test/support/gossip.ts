import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What it was told: headers and body of one request. */
interface Heard {
  readonly path: string;
  readonly text: string;
}

type Answer = readonly [status: number, type: string, body: string];

const METHOD = /"method":"([^"]+)"/;
const ID = /"id":("[^"]*"|\d+)/;

/**
 * A server that gives back whatever it was sent, headers and body, in every kind of answer a gateway may want to explain:
 * as an authorization server, as an identity provider, and as an MCP server that works only until a tool is called.
 */
export class Gossip {
  readonly heard: Heard[] = [];

  private constructor(
    readonly url: string,
    private readonly stop: () => Promise<void>,
  ) {}

  static async start(): Promise<Gossip> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const gossip = new Gossip(url, async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    server.on('request', async (request, response) => {
      const body = await bodyOf(request);
      const path = request.url ?? '/';
      // What is worth telling comes first: many readers do not read on.
      const { authorization = '', 'x-key': key = '', 'x-stamp': stamp = '' } = request.headers;
      const text = `${authorization}${key}${stamp} ${body} ${path} ${request.rawHeaders.join(' ')}`;
      gossip.heard.push({ path, text });
      const [status, type, answer] = gossip.#answer(path, text, body);
      // Many would show this, too.
      const echo = text.replace(/[^\x20-\x7e]/g, ' ').slice(0, 4_000);
      response.writeHead(status, {
        'content-type': type,
        'www-authenticate': `Bearer realm="${echo}"`,
        'x-echo': echo,
      });
      response.end(answer);
    });
    return gossip;
  }

  /** Everything that reached a path. */
  told(path: string): string {
    return this.heard
      .filter((one) => one.path.startsWith(path))
      .map(({ text }) => text)
      .join('\n');
  }

  close(): Promise<void> {
    return this.stop();
  }

  #answer(path: string, text: string, body: string): Answer {
    const said = `you sent ${text}`;
    const json = (status: number, value: unknown): Answer => [status, 'application/json', JSON.stringify(value)];
    switch (path) {
      case '/.well-known/openid-configuration':
        return json(200, { issuer: this.url, jwks_uri: `${this.url}/keys` });
      case '/token-refuses':
        return json(400, { error: 'invalid_request', error_description: said });
      case '/token-fails':
        return [500, 'text/html', said];
      case '/introspect':
        return body.includes('opaque-ok') ? json(200, { active: false, said }) : [500, 'text/plain', said];
      case '/mcp/text':
        return [400, 'text/plain', said];
      case '/mcp/denied':
        return [401, 'text/plain', said];
      case '/mcp/rpc':
        return json(500, { jsonrpc: '2.0', error: { code: -1, message: said, data: { said } } });
      case '/mcp/json':
        return json(200, { said });
      case '/mcp/sse':
        return [200, 'text/event-stream', `event: ${said.slice(0, 200).replace(/[\r\n]/g, ' ')}\ndata: {"said"\n\n`];
      case '/mcp/works':
        return this.#works(body, said);
      default:
        return [404, 'text/plain', said];
    }
  }

  /** Lists its tools like any server; a call is what it gossips about. */
  #works(body: string, said: string): Answer {
    const id = ID.exec(body)?.[1];
    if (id === undefined) return [202, 'application/json', ''];
    const result = (value: object): Answer => [
      200,
      'application/json',
      `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(value)}}`,
    ];
    switch (METHOD.exec(body)?.[1]) {
      case 'initialize':
        return result({
          protocolVersion: '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: 'gossip', version: '1' },
        });
      case 'tools/list':
        return result({ tools: [{ name: 'work', inputSchema: { type: 'object' } }] });
      case 'tools/call':
        return [502, 'text/plain', said];
      default:
        return [200, 'application/json', `{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"no"}}`];
    }
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
