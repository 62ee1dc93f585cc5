import { modern } from './modern.js';
import { type RawAnswer, RawSession, type RpcError } from './raw.js';

/** Somebody who comes with a key, and what the key says of its holder. */
export interface Caller {
  readonly name: string;
  readonly key: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** What its requests carry. */
  readonly headers: Record<string, string>;
  /** Its entry of `api_keys`. */
  readonly entry: Record<string, unknown>;
}

export function caller(name: string, claims: Readonly<Record<string, unknown>> = {}): Caller {
  const key = `key-of-${name}-0123456789abcdefghijklmnopqrstuvwxyz`;
  return { name, key, claims, headers: { authorization: `Bearer ${key}` }, entry: { name, key, claims } };
}

export interface Reply extends RawAnswer {
  readonly result?: Record<string, unknown>;
  readonly error?: RpcError;
}

/** One caller at one endpoint, in either era. */
export interface Voice {
  ask(method: string, params?: Record<string, unknown>): Promise<Reply>;
  /** Names (URIs, templates) of a list. */
  names(list: 'tools' | 'prompts' | 'resources' | 'resources/templates'): Promise<string[]>;
}

export type Era = 'legacy' | 'modern';

let lastId = 0;

export async function voice(era: Era, url: string, { headers }: Caller): Promise<Voice> {
  const session = era === 'legacy' ? await RawSession.open(url, { headers }) : undefined;
  const ask = async (method: string, params: Record<string, unknown> = {}): Promise<Reply> => {
    if (!session) return modern(url, method, params, { headers: { ...headers, ...encodedName(params) } });
    const answer = await session.post(JSON.stringify({ jsonrpc: '2.0', id: ++lastId, method, params }));
    const messages = answer.messages.map((text) => JSON.parse(text) as Partial<Reply>);
    const { result, error } = messages.find((message) => 'result' in message || 'jsonrpc' in message) ?? {};
    return { ...answer, ...(result && { result }), ...(error && { error }) };
  };
  return {
    ask,
    async names(list) {
      const { result } = await ask(`${list}/list`);
      const [items = []] = Object.values(result ?? {}).filter((value) => Array.isArray(value));
      return (items as Record<string, string>[]).map(({ name = '', uri, uriTemplate }) => uri ?? uriTemplate ?? name);
    },
  };
}

/** The header that repeats a name, where it cannot stand in one as it is. */
function encodedName({ name, uri = name }: Record<string, unknown>): Record<string, string> {
  if (typeof uri !== 'string' || /^[\x21-\x7e]*$/.test(uri)) return {};
  return { 'mcp-name': `=?base64?${Buffer.from(uri).toString('base64')}?=` };
}
