import {
  encodeHeaderValue,
  JsonView,
  MCP_HEADERS,
  namedMember,
  type ParamHeaders,
  paramHeaderValues,
  scanParamHeaders,
} from '#libs/mcp';
import type { Message } from './message.js';

/**
 * What the modern revision repeats in headers over HTTP, and stdio does not have: method, name, and the parameters a tool
 * wants mirrored. Those are learnt from the lists that pass.
 */
export class ModernHeaders {
  readonly #tools = new Map<string, ParamHeaders>();

  of({ method = '', params, bytes, modern = '' }: Message): Record<string, string> {
    const headers: Record<string, string> = { [MCP_HEADERS.protocolVersion]: modern, [MCP_HEADERS.method]: method };
    const member = namedMember(method);
    const name = member === undefined ? undefined : params[member];
    if (typeof name !== 'string') return headers;
    headers[MCP_HEADERS.name] = encodeHeaderValue(name);
    const mirrored = method === 'tools/call' ? this.#tools.get(name) : undefined;
    if (mirrored)
      Object.assign(headers, paramHeaderValues(JsonView.of(bytes).get('params')?.get('arguments'), mirrored));
    return headers;
  }

  /** Looks at the answer to a `tools/list`. */
  learn(answer: Buffer): void {
    const tools = JsonView.of(answer).get('result')?.get('tools');
    if (tools?.type !== 'array') return;
    for (const tool of tools.items()) {
      const name = tool.get('name')?.string();
      const schema = tool.get('inputSchema');
      if (name === undefined || !schema) continue;
      const { headers } = scanParamHeaders(schema);
      if (headers.size > 0) this.#tools.set(name, headers);
      else this.#tools.delete(name);
    }
  }
}
