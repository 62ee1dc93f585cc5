import type { AuditEvent } from '#libs/plugin';
import { numberMember } from './number-member.js';
import { flat, isKept, MAX_TEXTS, type RecurringTexts } from './recurring-texts.js';

type Told = 'method' | 'server' | 'object' | 'exposed' | 'decision' | 'rule' | 'policyVersion' | 'outcome' | 'code';

type Deed = Pick<AuditEvent, Told> & { readonly text: string };

/**
 * The middle of a line: what was done, by which right and what came of it. The same with nearly every call of a tool, so the
 * last one of each object's name is kept whole.
 */
export class RecurringDeeds {
  readonly #known = new Map<string, Deed>();

  constructor(private readonly texts: RecurringTexts) {}

  /** Members with a comma before each. */
  of(event: AuditEvent): string {
    const { object = '' } = event;
    const known = this.#known.get(object);
    if (known && isSame(known, event)) return known.text;
    const text = this.#textOf(event);
    // What a policy says may be another text each time.
    if (event.reason === undefined && isKept(object) && isKept(event.exposed)) this.#keep(object, event, text);
    return text;
  }

  clear(): void {
    this.#known.clear();
  }

  #textOf({ server, object, ...event }: AuditEvent): string {
    const { texts } = this;
    return flat(
      texts.member('method', event.method, 128),
      texts.member('server', server, 64),
      // Canonical where the server is known; what was refused keeps the name as it was sent.
      texts.member('object', object === undefined || server === undefined ? object : `${server}:${object}`, 1024),
      texts.member('exposed', event.exposed, 1024),
      texts.member('decision', event.decision, 64),
      texts.member('rule', event.rule, 512),
      texts.member('reason', event.reason, 512),
      numberMember('policy_version', event.policyVersion),
      texts.member('outcome', event.outcome, 64),
      texts.member('code', event.code, 64),
    );
  }

  #keep(key: string, event: AuditEvent, text: string): void {
    if (this.#known.size >= MAX_TEXTS && !this.#known.has(key)) this.#known.clear();
    const { method, server, object, exposed, decision, rule, policyVersion, outcome, code } = event;
    this.#known.set(key, { method, server, object, exposed, decision, rule, policyVersion, outcome, code, text });
  }
}

function isSame(a: Deed, b: AuditEvent): boolean {
  return (
    b.reason === undefined &&
    a.method === b.method &&
    a.server === b.server &&
    a.object === b.object &&
    a.exposed === b.exposed &&
    a.decision === b.decision &&
    a.rule === b.rule &&
    a.policyVersion === b.policyVersion &&
    a.outcome === b.outcome &&
    a.code === b.code
  );
}
