import { maskedAs, type Principal } from '#libs/kernel';
import type { AuditEvent } from '#libs/plugin';
import { argumentsText, argumentsTextWithValues } from './audit-arguments.js';
import { jsonText } from './audit-text.js';
import { RecurringTexts } from './recurring-texts.js';

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
 * by lines before it: such pieces are kept as the JSON they became.
 */
export class AuditLines {
  readonly #texts = new RecurringTexts();
  /** Of a client, as its principal and its name and version make it out. */
  #callers = new WeakMap<Principal, Caller>();
  #masked = maskedAs();
  #time = Number.NaN;
  #timeText = '';

  /** One event as one line. */
  of(event: AuditEvent, { time, values, maxLine }: LineSettings): string {
    this.#forgetUnmasked();
    const texts = this.#texts;
    const { server, object, policyVersion, durationMs } = event;
    const line =
      `{"time":${this.#timeOf(time)}` +
      texts.member('event', event.event, 64) +
      `,"request_id":${jsonText(event.requestId, 160)}` +
      this.#callerOf(event) +
      texts.member('remote_address', event.remoteAddress, 64) +
      texts.member('endpoint', event.endpoint, 256) +
      texts.member('method', event.method, 128) +
      texts.member('server', server, 64) +
      // Canonical where the server is known; what was refused keeps the name as it was sent.
      texts.member('object', object === undefined || server === undefined ? object : `${server}:${object}`, 1024) +
      texts.member('exposed', event.exposed, 1024) +
      texts.member('decision', event.decision, 64) +
      texts.member('rule', event.rule, 512) +
      texts.member('reason', event.reason, 512) +
      numberMember('policy_version', policyVersion) +
      texts.member('outcome', event.outcome, 64) +
      texts.member('code', event.code, 64) +
      numberMember('duration_ms', durationMs);
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

  #callerOf({ principal, client }: AuditEvent): string {
    const name = client?.name;
    const version = client?.version;
    if (!principal) return clientMember(name, version, undefined);
    const known = this.#callers.get(principal);
    if (known && known.name === name && known.version === version) return known.text;
    const text = whoMember(principal) + clientMember(name, version, principal.clientId);
    this.#callers.set(principal, { name, version, text });
    return text;
  }

  /** Everything else is bounded far below the shortest limit there can be, so that values get what remains. */
  #argumentsOf(json: Buffer | undefined, values: boolean, line: string, maxLine: number): string {
    if (!json) return '';
    const text = values
      ? argumentsTextWithValues(json, maxLine - Buffer.byteLength(line) - 2, this.#texts)
      : argumentsText(json, this.#texts);
    return `,"arguments":${text}`;
  }

  /** What was kept before the gateway learnt of a secret may have it in it. */
  #forgetUnmasked(): void {
    const masked = maskedAs();
    if (masked === this.#masked) return;
    this.#masked = masked;
    this.#texts.clear();
    this.#callers = new WeakMap();
  }
}

/** What a small integer is to the runtime. */
const MAX_THOUSANDTHS = 2 ** 30;

interface Caller {
  readonly name: string | undefined;
  readonly version: string | undefined;
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

function numberMember(name: string, value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '';
  return `,"${name}":${thousandths(Math.round(value * 1000))}`;
}

/** So many thousandths, in digits of integers: spelling a fraction takes the runtime longer than a line should. */
function thousandths(count: number): string {
  if (count < 0 || count > MAX_THOUSANDTHS) return String(count / 1000);
  const whole = Math.trunc(count / 1000);
  const rest = count - whole * 1000;
  if (rest === 0) return String(whole);
  const digits = String(1000 + rest);
  const last = rest % 100 === 0 ? 2 : rest % 10 === 0 ? 3 : 4;
  return `${whole}.${digits.slice(1, last)}`;
}
