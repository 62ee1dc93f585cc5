import { maskedAs, type Principal } from '#libs/kernel';
import { JsonView } from '#libs/mcp';
import type { AuditEvent, JsonSpan } from '#libs/plugin';
import { argumentsText, argumentsTextWithValues } from './audit-arguments.js';
import { jsonText } from './audit-text.js';
import { numberMember } from './number-member.js';
import { RecurringDeeds } from './recurring-deeds.js';
import { flat, isKept, RecurringTexts } from './recurring-texts.js';

export interface LineSettings {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Values of arguments too, not only their names and sizes. */
  readonly values: boolean;
  /** Longest line in bytes, its newline included; at least 16 KiB. */
  readonly maxLine: number;
}

/**
 * Events as JSON lines. Every text in one is bounded, so no line is longer than it may be. Most of what a line says was said
 * by lines before it: who calls, and what is done. Both are kept as the JSON they became.
 */
export class AuditLines {
  readonly #texts = new RecurringTexts();
  readonly #deeds = new RecurringDeeds(this.#texts);
  #callers = new WeakMap<Principal, Caller>();
  #masked = maskedAs();
  #time = Number.NaN;
  #timeText = '';

  /** One event as one line. */
  of(event: AuditEvent, { time, values, maxLine }: LineSettings): string {
    this.#forgetUnmasked();
    const id = jsonText(event.requestId, 160);
    const began = `{"time":${this.#timeOf(time)},"event":"${event.event}","request_id":${id}`;
    const told = `${this.#callerOf(event)}${this.#deeds.of(event)}${numberMember('duration_ms', event.durationMs)}`;
    const line = `${began}${told}`;
    return `${line}${this.#argumentsOf(event.arguments, values, line, maxLine)}}\n`;
  }

  /** How many refusals were left out of the audit, and from whom. */
  omission(source: string | undefined, omitted: number, time: number): string {
    const from = source === undefined ? '' : `,"source":${jsonText(source, 256)}`;
    return `{"time":${this.#timeOf(time)},"event":"omitted"${from}${numberMember('omitted', omitted)}}\n`;
  }

  /** Many lines are of one millisecond. */
  #timeOf(time: number): string {
    if (time !== this.#time) {
      this.#time = time;
      this.#timeText = `"${new Date(time).toISOString()}"`;
    }
    return this.#timeText;
  }

  /** Who calls, with what and from where. */
  #callerOf({ principal, client, remoteAddress, endpoint }: AuditEvent): string {
    const name = client?.name;
    const version = client?.version;
    const known = principal && this.#callers.get(principal);
    const isKnown =
      known !== undefined &&
      known.name === name &&
      known.version === version &&
      known.remoteAddress === remoteAddress &&
      known.endpoint === endpoint;
    if (isKnown) return known.text;
    const text = flat(
      principal ? whoMember(principal) : '',
      clientMember(name, version, principal?.clientId),
      this.#texts.member('remote_address', remoteAddress, 64),
      this.#texts.member('endpoint', endpoint, 256),
    );
    if (principal && isKept(endpoint)) this.#callers.set(principal, { name, version, remoteAddress, endpoint, text });
    return text;
  }

  /** Everything else is bounded far below the shortest limit there can be, so that values get what remains. */
  #argumentsOf(span: JsonSpan | undefined, values: boolean, line: string, maxLine: number): string {
    if (!span) return '';
    const args = new JsonView(span.bytes, span.start, span.end);
    const text = values
      ? argumentsTextWithValues(args, maxLine - Buffer.byteLength(line) - 2, this.#texts)
      : argumentsText(args, this.#texts);
    return `,"arguments":${text}`;
  }

  /** What was kept before the gateway learnt of a secret may have it in it. */
  #forgetUnmasked(): void {
    const masked = maskedAs();
    if (masked === this.#masked) return;
    this.#masked = masked;
    this.#texts.clear();
    this.#deeds.clear();
    this.#callers = new WeakMap();
  }
}

/** A client, as its principal and what it says of itself make it out, and where it calls from. */
interface Caller {
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly remoteAddress: string;
  readonly endpoint: string;
  readonly text: string;
}

function whoMember({ anonymous, issuer, subject, key }: Principal): string {
  if (anonymous) return ',"who":{"anonymous":true}';
  return `,"who":{"issuer":${jsonText(issuer, 512)},"subject":${jsonText(subject, 256)},"key":${jsonText(key, 64)}}`;
}

function clientMember(name: string | undefined, version: string | undefined, id: string | undefined): string {
  const told: string[] = [];
  if (name !== undefined) told.push(`"name":${jsonText(name, 256)}`);
  if (version !== undefined) told.push(`"version":${jsonText(version, 128)}`);
  if (id !== undefined) told.push(`"id":${jsonText(id, 256)}`);
  return told.length === 0 ? '' : `,"client":{${told.join()}}`;
}
