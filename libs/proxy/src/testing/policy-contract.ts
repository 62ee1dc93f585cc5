import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AbortSource, ANONYMOUS, type Answer, GatewayError, type ObjectRef, type Outcome } from '#libs/kernel';
import type { CallPolicy, PolicyAnswer, PolicyCall } from '#libs/plugin';
import { Corridor } from './corridor.js';
import { ScriptedUpstream } from './scripted-upstream.js';

/** One call, and what must become of it with the policy under test in the gateway. */
export interface PolicyExample {
  readonly title: string;
  /** Default: `work`, of the server `up`. */
  readonly tool?: string;
  readonly arguments?: object;
  /** How the person answers when the policy asks; a call without an answer fails if it does. */
  readonly answer?: PolicyAnswer;
  /** What the upstream answers. */
  readonly result?: object;
  /** The arguments that reach the upstream; false: nothing does. Default: those of the call. */
  readonly reaches?: object | false;
  /** What the client gets; `denied`: that the policy does not allow it. Default: what the upstream answers. */
  readonly gets?: object | 'denied';
}

export interface PolicyHarness {
  /** A fresh one for every test. */
  readonly policy: CallPolicy;
  readonly name: string;
  readonly examples: readonly PolicyExample[];
}

/** Outcomes of every kind, with what upstreams may put into them. */
const OUTCOMES: readonly Outcome[] = [
  { kind: 'result', result: Buffer.from('{}') },
  {
    kind: 'result',
    result: Buffer.from('{"content":[{"type":"text","text":"\\u0000\\ud83d\\ude00"}],"isError":true}'),
  },
  { kind: 'error', code: -32_000, error: Buffer.from('{"code":-32000,"message":"no","data":{"x":[1,null]}}') },
  { kind: 'input_required', server: 'up', result: Buffer.from('{"inputRequests":{},"requestState":"s"}') },
];

const CALLS: readonly (readonly [PolicyCall['method'], ObjectRef['kind'], string])[] = [
  ['tools/call', 'tool', '{"name":"x"}'],
  ['tools/call', 'tool', '{"name":"x","arguments":{"a":{"b":[1,2,{"__proto__":1}]},"":""},"_meta":{"k":1}}'],
  ['prompts/get', 'prompt', '{"name":"x","arguments":{"a":"b"}}'],
  ['resources/read', 'resource', '{"uri":"x"}'],
  ['completion/complete', 'prompt', '{"ref":{"type":"ref/prompt","name":"x"},"argument":{"name":"a","value":""}}'],
];

/** What every call policy has to do, whatever it is for. For authors of plug-ins too. */
export function describeCallPolicy(name: string, makeHarness: () => PolicyHarness | Promise<PolicyHarness>): void {
  describe(`the call policy contract: ${name}`, () => {
    let harness: PolicyHarness;
    let corridor: Corridor | undefined;
    beforeEach(async () => {
      harness = await makeHarness();
    });
    afterEach(async () => {
      await corridor?.close();
      corridor = undefined;
    });

    it.each(CALLS)('judges any %s of a %s, and leaves the params as they are', async (method, kind, params) => {
      for (const resumed of [false, true]) {
        const call = callOf(method, kind, params, resumed);
        const { effect } = await harness.policy.before(call);
        expect(['allow', 'deny', 'rewrite', 'ask']).toContain(effect);
        expect(call.params.toString()).toBe(params);
      }
    });

    it.each(OUTCOMES)('judges any outcome, $kind, and leaves it as it is', async (outcome) => {
      const before = JSON.stringify(outcome);
      for (const [method, kind, params] of CALLS) {
        const { effect } = await harness.policy.after(callOf(method, kind, params, false), outcome);
        expect(['allow', 'deny', 'rewrite', 'ask']).toContain(effect);
      }
      expect(JSON.stringify(outcome)).toBe(before);
    });

    it('judges calls that run at the same time as it judges each alone', async () => {
      const judge = ([method, kind, params]: (typeof CALLS)[number]) =>
        harness.policy.before(callOf(method, kind, params, false));
      const alone: string[] = [];
      for (const call of CALLS) alone.push((await judge(call)).effect);
      const together = await Promise.all([...CALLS, ...CALLS].map(async (call) => (await judge(call)).effect));
      expect(together).toEqual([...alone, ...alone]);
    });

    it('does in the gateway what its examples say', async () => {
      expect(harness.examples.length).toBeGreaterThan(0);
      for (const example of harness.examples) {
        const ran = await run(harness, example, (opened) => {
          corridor = opened;
        });
        const { reaches = example.arguments ?? {}, gets = example.result ?? { content: [] } } = example;
        expect([example.title, ran.reached]).toEqual([example.title, reaches]);
        expect([example.title, ran.got]).toEqual([example.title, gets]);
        await corridor?.close();
        corridor = undefined;
      }
    });
  });
}

function callOf(method: PolicyCall['method'], kind: ObjectRef['kind'], params: string, resumed: boolean): PolicyCall {
  return {
    requestId: 'request-1',
    method,
    object: { kind, server: 'up', name: 'x' },
    principal: ANONYMOUS,
    client: { era: 'legacy', version: '2025-11-25', name: 'test', clientVersion: '1', capabilities: {} },
    endpoint: { kind: 'aggregate' },
    remoteAddress: '192.0.2.1',
    params: Buffer.from(params),
    resumed,
    signal: new AbortSource().signal,
  };
}

/** One example through the whole corridor: what the upstream received is what counts. */
async function run(
  { policy, name }: PolicyHarness,
  example: PolicyExample,
  opened: (corridor: Corridor) => void,
): Promise<{ reached: unknown; got: unknown }> {
  const tool = example.tool ?? 'work';
  const up = new ScriptedUpstream({
    'tools/list': ({ result }) => result(JSON.stringify({ tools: [{ name: tool, inputSchema: { type: 'object' } }] })),
    'tools/call': ({ result }) => result(JSON.stringify(example.result ?? { content: [] })),
  });
  const corridor = await Corridor.open({ up }, { policies: { [name]: policy } });
  opened(corridor);
  const client = corridor.client({ capabilities: { elicitation: {} } });
  client.reply = (): Answer => {
    if (!example.answer) throw new GatewayError('ASK_UNDELIVERED', 'this example does not expect a question');
    return { kind: 'result', result: Buffer.from(JSON.stringify(example.answer)) };
  };
  const got = await client
    .result('tools/call', { name: `up:${tool}`, arguments: example.arguments ?? {} })
    .then((text) => JSON.parse(text) as unknown)
    .catch((thrown: unknown) => (isDenial(thrown, name) ? 'denied' : Promise.reject(thrown)));
  const call = up.seen.find(({ method }) => method === 'tools/call');
  return { got, reached: call ? call.params['arguments'] : false };
}

function isDenial(thrown: unknown, policy: string): boolean {
  return thrown instanceof GatewayError && thrown.code === 'ACCESS_DENIED' && thrown.data['rule'] === policy;
}
