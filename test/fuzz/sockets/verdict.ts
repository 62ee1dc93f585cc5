import { isDeepStrictEqual } from 'node:util';
import { ERRORS } from '#libs/kernel';
import type { Arrival } from '../../support/recording/journal.js';
import { readStrictly } from '../strict-json.js';
import { must } from '../target.js';
import { ARRIVING } from './kinds.js';
import { type Draft, valuesOf } from './request.js';
import type { WireAnswer } from './wire.js';

type Json = Record<string, unknown>;

/** What no answer may tell anybody. */
const INSIDE = [/node_modules/, /\/dist\/libs\//, /\n\s+at /, /smuggled/];

/** An answer is well-formed, explains itself from the catalogue, and tells nothing about the inside. */
export function checkAnswer({ status, headers, body }: WireAnswer): void {
  for (const inside of INSIDE) must(!inside.test(body), () => `the answer says ${inside}: ${body.slice(0, 500)}`);
  must(status < 600, `status ${status}`);
  if (headers.get('content-type')?.startsWith('application/json') && body !== '') {
    must(readStrictly(Buffer.from(body)) !== undefined, () => `no JSON in the answer: ${body.slice(0, 500)}`);
  }
  if (status === 401) must(headers.get('www-authenticate')?.startsWith('Bearer ') ?? false, '401 without a challenge');
  if (body === '') must(status < 500, () => `${status} without a word`);
  if (status < 400 || body === '') return;
  const said = (readStrictly(Buffer.from(body))?.value ?? {}) as {
    code?: string;
    error?: { data?: { code?: string } };
  };
  const code = (typeof said.error === 'object' ? said.error.data?.code : undefined) ?? said.code;
  // Metadata is read by clients of OAuth, which know no codes of ours.
  if (status < 500 && code === undefined && typeof said.error === 'string') return;
  must(code !== undefined && Object.hasOwn(ERRORS, code), () => `${status} without a code: ${body.slice(0, 500)}`);
  must(code !== 'INTERNAL', () => `the gateway failed: ${body.slice(0, 500)}`);
}

const SUBJECTS = new Set(['tools/call', 'prompts/get', 'resources/read', 'resources/subscribe']);

/** Headers that the gateway writes towards an upstream. */
const WRITTEN = new Set([
  ...[
    'host',
    'connection',
    'accept',
    'accept-encoding',
    'content-type',
    'content-length',
    'transfer-encoding',
    'user-agent',
  ],
  ...['mcp-session-id', 'mcp-protocol-version', 'mcp-method', 'mcp-name', 'x-n8n-key', 'traceparent', 'x-request-id'],
]);

/** What arrived was written by the gateway: its own headers, its own credential, strict JSON. */
export function checkArrival({ headers, rawHeaders, body }: Arrival, key: string): void {
  for (const name of Object.keys(headers)) must(WRITTEN.has(name), () => `the header ${name} arrived`);
  must(!rawHeaders.includes('smuggled'), () => `a header of the client arrived: ${rawHeaders}`);
  must(headers['x-n8n-key'] === key, () => `another credential arrived: ${headers['x-n8n-key']}`);
  const strict = readStrictly(Buffer.from(body));
  must(strict !== undefined && !strict.repeats, () => `arrived ambiguous: ${body.slice(0, 500)}`);
}

/** What arrived is what an independent reader of the request's body would have understood, and what its headers say. */
export function checkAgreement(draft: Draft, { rpc }: Arrival): void {
  const strict = readStrictly(draft.body);
  must(strict !== undefined && !strict.repeats, 'something arrived for a body that is ambiguous or no JSON');
  const message = strict.value as Json;
  must(message['jsonrpc'] === '2.0' && message['method'] === rpc.method, () => `${rpc.method} arrived`);
  const params = (message['params'] ?? {}) as Json;
  const own = (name: unknown) => (typeof name === 'string' ? name.replace(/^rec[:+]/, '') : name);
  const subject = params['name'] ?? params['uri'];
  const arrived = rpc.params?.['name'] ?? rpc.params?.['uri'];
  must(own(subject) === arrived, () => `${JSON.stringify(rpc.params)} arrived`);
  if (SUBJECTS.has(rpc.method ?? '')) must(ARRIVING.has(arrived), () => `${arrived} is hidden, and arrived`);
  must(isDeepStrictEqual(params['arguments'] ?? {}, rpc.params?.['arguments'] ?? {}), () => `other arguments arrived`);
  const meta = params['_meta'] as Json | undefined;
  if (meta?.['io.modelcontextprotocol/protocolVersion'] === undefined) return;
  must(isDeepStrictEqual(valuesOf(draft, 'mcp-method'), [rpc.method]), 'arrived in spite of Mcp-Method');
  if (subject !== undefined)
    must(isDeepStrictEqual(valuesOf(draft, 'mcp-name'), [subject]), 'arrived in spite of Mcp-Name');
}
