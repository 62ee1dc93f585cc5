import type { AuditEvent } from '#libs/plugin';
import { argumentsText, argumentsTextWithValues } from './audit-arguments.js';
import { jsonText } from './audit-text.js';

export interface LineSettings {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Values of arguments too, not only their names and sizes. */
  readonly values: boolean;
  /** Longest line in bytes, its newline included; at least 16 KiB. */
  readonly maxLine: number;
}

/** One event as one JSON line. Every text in it is bounded, so no line is longer than it may be. */
export function auditLine(event: AuditEvent, { time, values, maxLine }: LineSettings): string {
  const line = new Line();
  line.raw('time', timeText(time));
  line.text('event', event.event);
  line.text('request_id', event.requestId, 160);
  line.raw('who', whoOf(event));
  line.raw('client', clientOf(event));
  line.text('remote_address', event.remoteAddress, 64);
  line.text('endpoint', event.endpoint, 256);
  line.text('method', event.method, 128);
  line.text('server', event.server, 64);
  line.text('object', objectOf(event), 1024);
  line.text('exposed', event.exposed, 1024);
  line.text('decision', event.decision);
  line.text('rule', event.rule, 512);
  line.text('reason', event.reason, 512);
  line.number('policy_version', event.policyVersion);
  line.text('outcome', event.outcome);
  line.text('code', event.code, 64);
  line.number('duration_ms', event.durationMs);
  if (event.arguments)
    line.raw(
      'arguments',
      argumentsOf(event.arguments, values, () => maxLine - line.bytes),
    );
  return line.end();
}

/** Everything else is bounded far below the shortest limit there can be, so that values get what remains. */
function argumentsOf(json: Buffer, values: boolean, room: () => number): string {
  return values ? argumentsTextWithValues(json, room()) : argumentsText(json);
}

/** Many lines are of one millisecond. */
const last = { time: Number.NaN, text: '' };

function timeText(time: number): string {
  if (time !== last.time) Object.assign(last, { time, text: `"${new Date(time).toISOString()}"` });
  return last.text;
}

/** How many refusals were left out of the audit, and from whom. */
export function omissionLine(source: string | undefined, omitted: number, time: number): string {
  const line = new Line();
  line.raw('time', timeText(time));
  line.text('event', 'omitted');
  line.text('source', source, 256);
  line.number('omitted', omitted);
  return line.end();
}

function whoOf({ principal }: AuditEvent): string | undefined {
  if (!principal) return undefined;
  if (principal.anonymous) return '{"anonymous":true}';
  const who = new Line();
  who.text('issuer', principal.issuer, 512);
  who.text('subject', principal.subject, 256);
  who.text('key', principal.key, 64);
  return who.object();
}

function clientOf({ client, principal }: AuditEvent): string | undefined {
  const told = new Line();
  told.text('name', client?.name, 256);
  told.text('version', client?.version, 128);
  told.text('id', principal?.clientId, 256);
  return told.empty ? undefined : told.object();
}

/** Canonical where the server is known; what was refused keeps the name as it was sent. */
function objectOf({ server, object }: AuditEvent): string | undefined {
  return object === undefined || server === undefined ? object : `${server}:${object}`;
}

/** Members in the order they are added; absent values are left out. */
class Line {
  readonly #members: string[] = [];

  get empty(): boolean {
    return this.#members.length === 0;
  }

  get bytes(): number {
    return Buffer.byteLength(this.end());
  }

  text(name: string, value: string | undefined, maxBytes = 64): void {
    if (value !== undefined) this.raw(name, jsonText(value, maxBytes));
  }

  number(name: string, value: number | undefined): void {
    if (value !== undefined && Number.isFinite(value)) this.raw(name, String(Math.round(value * 1000) / 1000));
  }

  raw(name: string, json: string | undefined): void {
    if (json !== undefined) this.#members.push(`"${name}":${json}`);
  }

  object(): string {
    return `{${this.#members.join()}}`;
  }

  end(): string {
    return `${this.object()}\n`;
  }
}
