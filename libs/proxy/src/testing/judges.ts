import type { Answer, Outcome } from '#libs/kernel';
import { type AfterCall, type BeforeCall, CallPolicy, type PolicyCall } from '#libs/plugin';
import { type CorridorOptions, corridors } from './corridor.js';
import { RESULTS, type Script, ScriptedUpstream } from './scripted-upstream.js';

const open = corridors();

/** A policy as a test writes it down. */
export interface Judge {
  readonly order?: number;
  before?(call: PolicyCall): BeforeCall | Promise<BeforeCall>;
  after?(call: PolicyCall, outcome: Outcome): AfterCall | Promise<AfterCall>;
}

class Scripted extends CallPolicy {
  override readonly order: number;

  constructor(private readonly judge: Judge) {
    super();
    this.order = judge.order ?? 0;
  }

  override before(call: PolicyCall) {
    return this.judge.before ? this.judge.before(call) : super.before(call);
  }

  override after(call: PolicyCall, outcome: Outcome) {
    return this.judge.after ? this.judge.after(call, outcome) : super.after(call, outcome);
  }
}

const PLAIN: Script = {
  ...RESULTS,
  'tools/call': ({ result }) => result('{"content":[{"type":"text","text":"plain"}]}'),
};

/** A corridor with these policies in front of one upstream, `up`. */
export async function judgedWorld(
  judges: Readonly<Record<string, Judge>>,
  more: CorridorOptions & { script?: Script } = {},
) {
  const up = new ScriptedUpstream({ ...PLAIN, ...more.script });
  const policies = Object.fromEntries(Object.entries(judges).map(([name, judge]) => [name, new Scripted(judge)]));
  const corridor = await open({ up }, { ...more, policies });
  corridor.audit.enabled = true;
  const listed = up.seen.length;
  return {
    up,
    corridor,
    client: corridor.client({ capabilities: { elicitation: {} } }),
    events: corridor.audit.events,
    sent: () => up.seen.slice(listed).filter(({ method }) => method in PLAIN),
  };
}

export const WORK = { name: 'up:work', arguments: { a: 1 } };
export const allow = { effect: 'allow' } as const;
/** Allows, and does something besides. */
export const allowing = (_: unknown) => allow;
export const deny = { effect: 'deny', reason: 'because' } as const;
export const params = (value: object): BeforeCall => ({
  effect: 'rewrite',
  params: Buffer.from(JSON.stringify(value)),
});
export const result = (value: object) =>
  ({ effect: 'rewrite', outcome: { kind: 'result', result: Buffer.from(JSON.stringify(value)) } }) as const;
export const yes = (): Answer => ({ kind: 'result', result: Buffer.from('{"action":"accept","content":{"ok":true}}') });
