import { type Answer, begin, type Call, EventReader, send } from './http.js';

export interface ModernOptions {
  readonly path?: string;
  readonly version?: string;
  readonly capabilities?: object;
  readonly name?: string;
  readonly headers?: Record<string, string>;
}

export const MODERN = '2026-07-28';
const PREFIX = 'io.modelcontextprotocol/';

let nextId = 1;

/** The least of a modern client: requests with their envelope and the headers that repeat it. */
export class ModernClient {
  constructor(
    readonly base: string,
    readonly options: ModernOptions = {},
  ) {}

  with(changes: ModernOptions): ModernClient {
    return new ModernClient(this.base, { ...this.options, ...changes });
  }

  /** The call as this client would make it; `headers` replace its own, undefined takes one away. */
  call(
    method: string,
    params: Record<string, unknown> = {},
    id: string | number = nextId++,
    headers: Call['headers'] = {},
  ): Call {
    const { version = MODERN, capabilities = {}, name = 'test', path } = this.options;
    const meta = {
      [`${PREFIX}protocolVersion`]: version,
      [`${PREFIX}clientCapabilities`]: capabilities,
      [`${PREFIX}clientInfo`]: { name, version: '1' },
      ...(params['_meta'] as object | undefined),
    };
    const named = params['name'] ?? params['uri'];
    return {
      ...(path !== undefined && { path }),
      headers: {
        'mcp-protocol-version': version,
        'mcp-method': method,
        ...(typeof named === 'string' && { 'mcp-name': named }),
        ...this.options.headers,
        ...headers,
      },
      body: { jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } },
    };
  }

  request(
    method: string,
    params?: Record<string, unknown>,
    id?: string | number,
    headers?: Call['headers'],
  ): Promise<Answer> {
    return send(this.base, this.call(method, params, id, headers));
  }

  async stream(method: string, params?: Record<string, unknown>, id?: string | number): Promise<EventReader> {
    return new EventReader(await begin(this.base, this.call(method, params, id)));
  }

  /** tools/call of a tool `t`. */
  tool(params: Record<string, unknown> = {}, id?: string | number): Promise<Answer> {
    return this.request('tools/call', { name: 't', ...params }, id);
  }
}
