import { jsonText } from './audit-text.js';

/** Texts kept per name of a member. Strangers choose some of them: when there are more, all are forgotten. */
export const MAX_TEXTS = 1_000;
/** Characters of a text that is kept. */
const MAX_KEPT = 128;

/**
 * The JSON of texts that come again with every call: names of servers, tools and arguments, rules, addresses. Spelled once,
 * found by the whole text afterwards, so that neither escaping nor looking for secrets is done for each line.
 */
export class RecurringTexts {
  readonly #members = new Map<string, Map<string, string>>();
  readonly #spelled = new Map<string, string>();

  /** A member with a comma before it; nothing where there is no text. A name stands for one bound. */
  member(name: string, text: string | undefined, maxBytes: number): string {
    if (text === undefined) return '';
    let known = this.#members.get(name);
    if (!known) {
      known = new Map();
      this.#members.set(name, known);
    }
    return known.get(text) ?? keep(known, text, `,"${name}":${jsonText(text, maxBytes)}`);
  }

  /** A JSON string as it stood in a message, byte by byte, as the line has it. */
  spelled(bytes: string, maxBytes: number): string {
    return this.#spelled.get(bytes) ?? keep(this.#spelled, bytes, jsonText(decoded(bytes), maxBytes));
  }

  clear(): void {
    this.#members.clear();
    this.#spelled.clear();
  }
}

/** Whether a text is short enough to be kept. */
export function isKept(text: string | undefined): boolean {
  return text === undefined || text.length <= MAX_KEPT;
}

/** One string, of one piece: what `+` makes is put together anew whenever a part of it is read. */
export function flat(...parts: readonly string[]): string {
  return parts.join('');
}

function keep(known: Map<string, string>, text: string, json: string): string {
  if (!isKept(text)) return json;
  if (known.size >= MAX_TEXTS) known.clear();
  known.set(text, json);
  return json;
}

function decoded(bytes: string): string {
  return JSON.parse(Buffer.from(bytes, 'latin1').toString('utf8')) as string;
}
