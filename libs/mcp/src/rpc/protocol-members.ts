import { BACKSLASH, decodeString } from '../json/bytes.js';
import { SPAN_WIDTH } from '../json/members.js';
import type { JsonView } from '../json/view.js';

const MCP_META_PREFIX = 'io.modelcontextprotocol/';

/** The members of one part of a message that the protocol gives a meaning. */
class MemberTable {
  readonly #byLength: (readonly Buffer[] | undefined)[] = [];
  readonly #byFolding = new Map<string, string>();

  constructor(
    names: readonly string[],
    /** Every key that begins so belongs to the protocol, known or not. */
    readonly prefix?: string,
  ) {
    for (const name of names) {
      this.#byLength[name.length] = [...(this.#byLength[name.length] ?? []), Buffer.from(name)];
      this.#byFolding.set(fold(name), name);
    }
  }

  /** The protocol member the quoted key at `start`..`end` imitates without being spelled like it. */
  imitated(bytes: Buffer, start: number, end: number): string | undefined {
    const alike = this.#byLength[end - start - 2];
    if (alike) {
      for (const name of alike) {
        if (equalIgnoringCase(bytes, start + 1, name))
          return equal(bytes, start + 1, name) ? undefined : name.toString();
      }
    }
    const plain = isPlain(bytes, start + 1, end - 1);
    if (plain && (this.prefix === undefined || end - start - 2 < this.prefix.length)) return undefined;
    const folded = fold(decodeString(bytes, start, end));
    const member = this.#byFolding.get(folded);
    if (member !== undefined || this.prefix === undefined || !folded.startsWith(this.prefix)) return member;
    const spelled = bytes.toString('latin1', start + 1, start + 1 + this.prefix.length);
    return spelled === this.prefix ? undefined : this.prefix;
  }
}

const TABLES = {
  envelope: new MemberTable(['jsonrpc', 'id', 'method', 'params', 'result', 'error']),
  params: new MemberTable([
    'name',
    'arguments',
    'uri',
    'cursor',
    '_meta',
    'ref',
    'argument',
    'context',
    'level',
    'requestId',
    'reason',
    'progressToken',
    'protocolVersion',
    'capabilities',
    'clientInfo',
    'requestState',
    'inputResponses',
    'notifications',
  ]),
  meta: new MemberTable(
    [
      'progressToken',
      'traceparent',
      'tracestate',
      'baggage',
      ...[
        'protocolVersion',
        'clientInfo',
        'clientCapabilities',
        'logLevel',
        'subscriptionId',
        'serverInfo',
        'related-task',
        'model-immediate-response',
      ].map((name) => MCP_META_PREFIX + name),
    ],
    MCP_META_PREFIX,
  ),
};

export interface Disguise {
  /** Offset of the key. */
  readonly offset: number;
  readonly member: string;
}

/**
 * A key of this object that another reader might take for a protocol member although it is spelled differently:
 * escaped, in another case, or with invisible characters in it. What is checked here and what an upstream acts on must
 * be the same member, so such a message is refused.
 */
export function findDisguise(object: JsonView, part: keyof typeof TABLES): Disguise | undefined {
  const table = TABLES[part];
  const { bytes, spans } = object;
  if (spans) {
    for (let at = 0; at < spans.length; at += SPAN_WIDTH) {
      const start = spans[at] as number;
      const member = table.imitated(bytes, start, spans[at + 1] as number);
      if (member !== undefined) return { offset: start, member };
    }
    return undefined;
  }
  let found: Disguise | undefined;
  object.forEachKey((start, end) => {
    const member = found ? undefined : table.imitated(bytes, start, end);
    if (member !== undefined) found = { offset: start, member };
  });
  return found;
}

/** Upper case first: it brings U+017F to S and U+212A to K, which lower case alone does not. */
function fold(key: string): string {
  return key
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .toUpperCase()
    .toLowerCase();
}

function equalIgnoringCase(bytes: Buffer, start: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i++) if (lower(bytes[start + i]!) !== lower(name[i]!)) return false;
  return true;
}

function equal(bytes: Buffer, start: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return true;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/** Printable ASCII without escapes: nothing to fold but case. */
function isPlain(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === BACKSLASH || byte >= 0x7f) return false;
  }
  return true;
}
