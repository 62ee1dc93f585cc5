import { randomBytes } from 'node:crypto';

/** Values that must turn up nowhere, one per place a secret can stand in, and every way they could be spelled. */
export class Canaries {
  readonly #values = new Map<string, string>();

  /** A secret for one place. With letters that JSON, URLs and Base64 spell differently, where the place takes them. */
  mint(place: string, plain = false): string {
    const value = `canary-${randomBytes(16).toString('hex')}${plain ? '' : '/+&="\\%?'}`;
    this.watch(place, value);
    return value;
  }

  /** Watches a value that was made elsewhere, e.g. a session id the gateway minted. */
  watch(place: string, value: string): void {
    this.#values.set(place, value);
  }

  get places(): readonly string[] {
    return [...this.#values.keys()];
  }

  /** Whether a text has the value of a place, in any spelling. */
  isIn(place: string, text: string): boolean {
    return spellings(this.#values.get(place) ?? '').some(([, spelled]) => text.includes(spelled));
  }

  /** What is found in a text: `place (spelling): the passage around it`. */
  leaks(text: string): string[] {
    return [...this.#values].flatMap(([place, value]) =>
      spellings(value).flatMap(([how, spelled]) => {
        const at = text.indexOf(spelled);
        return at < 0 ? [] : [`${place} (${how}): ${text.slice(Math.max(0, at - 120), at + spelled.length + 40)}`];
      }),
    );
  }
}

function spellings(value: string): [how: string, spelled: string][] {
  const form = new URLSearchParams([['', value]]).toString().slice(1);
  const found: [string, string][] = [
    ['plain', value],
    ['JSON', JSON.stringify(value).slice(1, -1)],
    ['JSON in JSON', JSON.stringify(JSON.stringify(value)).slice(3, -3)],
    ['URL', encodeURIComponent(value)],
    ['form', form],
    ['hex', Buffer.from(value).toString('hex')],
    // The part that no punctuation hides.
    ['core', /canary-[0-9a-f]{32}/.exec(value)?.[0] ?? value],
  ];
  for (const text of new Set([value, encodeURIComponent(value), form])) {
    for (const before of [0, 1, 2]) found.push(...inBase64(text, before));
  }
  return found;
}

/** What stays the same of a text in Base64 behind so many bytes; without its last letters, which may be cut. */
function inBase64(text: string, before: number): [string, string][] {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
  const own = bytes.toString('base64').slice(before === 0 ? 0 : before + 1, Math.floor((bytes.length * 8) / 6) - 8);
  return [
    ['Base64', own],
    ['Base64 for URLs', own.replaceAll('+', '-').replaceAll('/', '_')],
  ];
}
