import { isDeepStrictEqual } from 'node:util';
import type { Era } from '../targets/shape.ts';
import { readResult } from './reply.ts';
import type { Response } from './response.ts';
import { shown, WrongReply } from './wrong-reply.ts';

/**
 * Compares replies with what was sent. The first one is parsed and checked member by member; its bytes, with another id
 * and another nonce put in, are what later replies must be. One that differs is parsed again before it is called wrong.
 */
class Template {
  #bytes: Buffer | undefined;
  #at: readonly number[] = [];

  /** Whether the reply is the learnt one with these values, each of its own fixed length, in their places. */
  fits(body: Buffer, values: readonly string[]): boolean {
    const bytes = this.#bytes;
    if (bytes?.length !== body.length) return false;
    for (let index = 0; index < values.length; index++)
      bytes.write(values[index] ?? '', this.#at[index] ?? 0, 'latin1');
    return bytes.equals(body);
  }

  /** Keeps a checked reply, if each value stands in it exactly once. */
  learn(body: Buffer, values: readonly string[]): void {
    const at = values.map((value) => body.indexOf(value));
    const once = values.every((value, index) => body.indexOf(value, (at[index] ?? 0) + 1) < 0);
    this.#bytes = once && at.every((place) => place >= 0) ? Buffer.from(body) : undefined;
    this.#at = at;
  }
}

/** Checks echoes of one client: every text begins with a nonce of its own, what follows is always the same. */
export class EchoCheck {
  readonly #template = new Template();
  readonly #era: Era;
  readonly #filler: string;

  constructor(era: Era, filler: string) {
    this.#era = era;
    this.#filler = filler;
  }

  /** @throws WrongReply */
  verify(response: Response, id: number, nonce: string): void {
    const values = [String(id), nonce];
    if (response.status === 200 && this.#template.fits(response.body, values)) return;
    const result = readResult(response, id);
    const expected = [{ type: 'text', text: nonce + this.#filler }];
    if (result['isError'] === true) throw new WrongReply('error', `the tool failed: ${shown(response.body)}`);
    if (!isDeepStrictEqual(result['content'], expected))
      throw new WrongReply('content', `not what was sent (${nonce}…): ${shown(response.body)}`);
    if (this.#era === 'modern' && result['resultType'] !== 'complete')
      throw new WrongReply('content', `no complete result: ${shown(response.body)}`);
    this.#template.learn(response.body, values);
  }
}

/** Checks lists of tools: all of them, in order, with everything that belongs to them. */
export class ListCheck {
  readonly #templates = new Map<string, Template>();

  /**
   * @param view lists of one view are the same but for their id
   * @param expected called where a list has to be read in full
   * @throws WrongReply
   */
  verify(response: Response, id: number, view: string, expected: () => readonly object[]): void {
    const values = [String(id)];
    const template = this.#templates.get(view) ?? new Template();
    this.#templates.set(view, template);
    if (response.status === 200 && template.fits(response.body, values)) return;
    const { tools, nextCursor } = readResult(response, id);
    if (nextCursor !== undefined) throw new WrongReply('content', 'the list has more than one page');
    if (!isDeepStrictEqual(tools, expected())) {
      const count = Array.isArray(tools) ? tools.length : 'no';
      throw new WrongReply('content', `view ${view}: ${count} tools, not the ${expected().length} that it shows`);
    }
    template.learn(response.body, values);
  }
}

/** A nonce for each call: unique in this process, and all of one length. */
export class Nonces {
  static #clients = 0;
  readonly #prefix = `n${(Nonces.#clients++).toString(36).padStart(7, '0')}`;
  #count = 0;

  next(): string {
    return this.#prefix + (this.#count++).toString(36).padStart(8, '0');
  }
}

export const NONCE_LENGTH = 16;

/** What makes a text of `bytes` out of a nonce. Letters only, so that its JSON is as long as it is. */
export function fillerOf(bytes: number): string {
  const alphabet = 'the quick brown fox jumps over the lazy dog and does it again ';
  return alphabet.repeat(Math.ceil(bytes / alphabet.length)).slice(0, Math.max(0, bytes - NONCE_LENGTH));
}
