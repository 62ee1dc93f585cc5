import { describe, expect, it } from 'vitest';
import { type Answer, type Exchange, GatewayError, type Outcome, Secret } from '#libs/kernel';
import { type FakeHandler, progress, result } from '../testing/fake-proxy.js';
import { Gate } from '../testing/gate.js';
import type { TestGateway, TestGatewayOptions } from '../testing/gateway.js';
import { gateways } from '../testing/gateways.js';
import { as, HeaderUsers } from '../testing/header-users.js';
import { ModernClient } from '../testing/modern-client.js';
import { ModernTimes } from './modern-times.js';

const start = gateways();
const CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
const FORM = { message: 'Who?', requestedSchema: { type: 'object', properties: {} } };
const ann = { action: 'accept', content: { name: 'Ann' } };

function ask(exchange: Exchange, method = 'elicitation/create', params: object | null = FORM) {
  return exchange.ask({ method, server: 's', ...(params && { params: Buffer.from(JSON.stringify(params)) }) });
}

const text = (answer: Answer) => (answer.kind === 'result' ? answer.result.toString() : `error ${answer.code}`);

/** Asks once and answers with what it was told. */
const asking: FakeHandler = async (exchange) => result({ told: text(await ask(exchange).answer) });

async function gatewayWith(handler: FakeHandler, options: TestGatewayOptions = {}): Promise<TestGateway> {
  return start({ 'tools/call': handler, 'prompts/get': handler, 'completion/complete': handler }, options);
}

const clientOf = (gateway: TestGateway) => new ModernClient(gateway.url, { capabilities: CAPABILITIES });

describe('a question in the middle of a call', () => {
  it('answers input_required; the retry gets the result of the very same call', async () => {
    let calls = 0;
    const gateway = await gatewayWith((exchange, request) => {
      calls++;
      return asking(exchange, request);
    });
    const client = clientOf(gateway);
    const first = await client.tool({ arguments: { a: 1 } }, 'one');
    expect(first.status).toBe(200);
    expect(first.json).toMatchObject({ id: 'one', result: { resultType: 'input_required' } });
    expect(first.json.result.inputRequests).toEqual({ 'input-1': { method: 'elicitation/create', params: FORM } });
    expect(first.json.result).not.toHaveProperty('ttlMs');
    const { requestState } = first.json.result;
    expect(requestState).toMatch(/^g1\.[\w-]{6}\.[\w-]+$/);
    expect(gateway.stats).toMatchObject({ parked: 1, running: 0 });
    const second = await client.tool({ arguments: { a: 1 }, requestState, inputResponses: { 'input-1': ann } }, 'two');
    expect(second.json).toMatchObject({ id: 'two', result: { told: JSON.stringify(ann), resultType: 'complete' } });
    expect(calls).toBe(1);
    expect(gateway.stats).toMatchObject({ parked: 0, running: 0 });
  });

  it('is not asked when the result comes at once, and several are asked together', async () => {
    const gateway = await gatewayWith(async (exchange, request) => {
      const questions = [ask(exchange), ask(exchange, 'roots/list', null), ask(exchange, 'sampling/createMessage', {})];
      if (request.params?.get('arguments')) return result({ early: true });
      return result({ told: (await Promise.all(questions.map(({ answer }) => answer))).map(text) });
    });
    const client = clientOf(gateway);
    expect((await client.tool({ arguments: {} })).json.result).toMatchObject({ early: true, resultType: 'complete' });
    const { json } = await client.tool();
    expect(Object.values(json.result.inputRequests)).toEqual([
      { method: 'elicitation/create', params: FORM },
      { method: 'roots/list' },
      { method: 'sampling/createMessage', params: {} },
    ]);
    const inputResponses = { 'input-1': ann, 'input-2': { roots: [] }, 'input-3': {}, extra: { ignored: true } };
    const answer = await client.tool({ requestState: json.result.requestState, inputResponses });
    expect(answer.json.result.told).toEqual([JSON.stringify(ann), '{"roots":[]}', '{}']);
  });

  it('is put again under the same key when it was not answered, and in rounds', async () => {
    const gateway = await gatewayWith(async (exchange) => {
      const [one, two] = [ask(exchange), ask(exchange, 'roots/list', null)];
      const told = [text(await one.answer), text(await two.answer)];
      return result({ told: [...told, text(await ask(exchange, 'sampling/createMessage', {}).answer)] });
    });
    const client = clientOf(gateway);
    let { result: last } = (await client.tool()).json;
    const keys: string[][] = [];
    for (const inputResponses of [
      {},
      { 'input-1': ann },
      { 'input-1': ann, 'input-2': 'no object' },
      { 'input-2': {} },
    ]) {
      last = (await client.tool({ requestState: last.requestState, inputResponses })).json.result;
      keys.push(Object.keys(last.inputRequests));
    }
    expect(keys).toEqual([['input-1', 'input-2'], ['input-2'], ['input-2'], ['input-3']]);
    const done = await client.tool({ requestState: last.requestState, inputResponses: { 'input-3': { ok: 1 } } });
    expect(done.json.result.told).toEqual([JSON.stringify(ann), '{}', '{"ok":1}']);
  });

  it('goes on only when the policies let it, and the call still waits when they do not', async () => {
    const gateway = await gatewayWith(asking);
    const client = clientOf(gateway);
    const { requestState } = (await client.tool()).json.result;
    const retry = { requestState, inputResponses: { 'input-1': ann } };
    const denial = new GatewayError('ACCESS_DENIED', 'no', { data: { rule: 'p' } });
    gateway.proxy.judging = () => Promise.reject(denial);
    const denied = await client.tool(retry);
    expect(denied.status).toBe(403);
    expect(denied.json).toMatchObject({ code: 'ACCESS_DENIED', rule: 'p' });
    expect(gateway.stats.parked).toBe(1);
    gateway.proxy.judging = () => Promise.resolve();
    expect((await client.tool(retry)).json.result.told).toBe(JSON.stringify(ann));
  });

  it('is taken up by one of two retries that policies judge at the same time', async () => {
    const gateway = await gatewayWith(asking);
    const client = clientOf(gateway);
    const { requestState } = (await client.tool()).json.result;
    const retry = { requestState, inputResponses: { 'input-1': ann } };
    const gate = new Gate();
    let judged = 0;
    gateway.proxy.judging = () => {
      judged += 1;
      return gate.opened;
    };
    const answers = Promise.all([client.tool(retry), client.tool(retry)]);
    await expect.poll(() => judged).toBe(2);
    gate.open();
    const codes = (await answers).map(({ json }) => json.error?.data.code ?? json.result.told).sort();
    expect(codes.filter((code) => code === JSON.stringify(ann))).toHaveLength(1);
    expect(codes.filter((code) => /^STATE_/.test(code))).toHaveLength(1);
  });

  it('shows nothing of the upstream elicitation id', async () => {
    const params = { mode: 'url', url: 'https://x.example', message: 'm', elicitationId: 'e' };
    const gateway = await gatewayWith(async (exchange) => {
      await ask(exchange, 'elicitation/create', params).answer;
      return result({});
    });
    const { json } = await clientOf(gateway).tool();
    expect(json.result.inputRequests['input-1'].params).toEqual({
      mode: 'url',
      url: 'https://x.example',
      message: 'm',
    });
  });

  it.each([
    [{}, 'elicitation/create', FORM],
    [{ elicitation: { url: {} } }, 'elicitation/create', FORM],
    [{ elicitation: {} }, 'elicitation/create', { mode: 'url' }],
    [{ sampling: {} }, 'sampling/createMessage', { tools: [] }],
    [{ sampling: [] }, 'sampling/createMessage', {}],
    [{ elicitation: {} }, 'roots/list', null],
    [CAPABILITIES, 'tools/list', {}],
  ])('is refused when the client declared %j, for %s', async (capabilities, method, params) => {
    const gateway = await gatewayWith(async (exchange) => {
      await ask(exchange, method, params).answer;
      return result({});
    });
    const { json } = await new ModernClient(gateway.url, { capabilities }).tool();
    expect(json.error.data.code).toBe('ASK_UNSUPPORTED');
  });

  it('is refused for requests that cannot be answered with one', async () => {
    const gateway = await gatewayWith(asking);
    expect((await clientOf(gateway).request('completion/complete')).json.error.data.code).toBe('ASK_UNSUPPORTED');
    expect((await clientOf(gateway).request('prompts/get', { name: 'p' })).json.result.resultType).toBe(
      'input_required',
    );
  });
});

describe('a parked call', () => {
  it('hears progress and log of the retry only, under its own token', async () => {
    const parked = new Gate();
    const gateway = await gatewayWith(async (exchange) => {
      const question = ask(exchange);
      void parked.opened.then(() => progress(exchange, 1));
      const told = text(await question.answer);
      progress(exchange, 2);
      return result({ told });
    });
    const client = clientOf(gateway);
    const { requestState } = (await client.tool({ _meta: { progressToken: 1 } })).json.result;
    parked.open();
    const retry = { name: 't', requestState, inputResponses: { 'input-1': ann }, _meta: { progressToken: 'mine' } };
    const messages = await (await client.stream('tools/call', retry)).rest();
    expect(messages[0].params).toEqual({ progressToken: 'mine', progress: 2 });
    expect(messages).toHaveLength(2);
  });

  it('is not aborted by the end of the request that started it, but by that of the retry', async () => {
    let seen: Exchange | undefined;
    const gateway = await gatewayWith(async (exchange) => {
      seen = exchange;
      await ask(exchange).answer;
      progress(exchange, 1);
      return new Promise((_resolve, reject) => void exchange.onAbort(reject));
    });
    const client = clientOf(gateway);
    const { requestState } = (await client.tool({ _meta: { progressToken: 1 } })).json.result;
    expect(seen?.aborted).toBe(false);
    const retry = { name: 't', requestState, inputResponses: { 'input-1': ann }, _meta: { progressToken: 2 } };
    const stream = await client.stream('tools/call', retry);
    await stream.next();
    expect(gateway.stats).toMatchObject({ parked: 0, running: 1 });
    stream.close();
    await expect.poll(() => seen?.aborted).toBe(true);
    expect(gateway.stats).toMatchObject({ parked: 0, running: 0 });
  });

  it('is adopted by the first of two retries', async () => {
    const gate = new Gate<Outcome>();
    const gateway = await gatewayWith(async (exchange) => {
      await ask(exchange).answer;
      return gate.opened;
    });
    const client = clientOf(gateway);
    const { requestState } = (await client.tool()).json.result;
    const retry = { requestState, inputResponses: { 'input-1': ann } };
    const first = client.tool(retry);
    await expect.poll(() => gateway.stats.running).toBe(1);
    const second = await client.tool(retry);
    expect(second.json.error).toMatchObject({ code: -32602, data: { code: 'STATE_INVALID' } });
    gate.open(result({ done: true }));
    expect((await first).json.result).toMatchObject({ done: true });
    expect((await client.tool(retry)).json.error.data).toMatchObject({ code: 'STATE_LOST', reason: 'state_lost' });
  });

  it('takes only the state of its latest round', async () => {
    const gateway = await gatewayWith(async (exchange) => {
      await ask(exchange).answer;
      await ask(exchange).answer;
      return result({});
    });
    const client = clientOf(gateway);
    const { requestState } = (await client.tool()).json.result;
    const retry = { requestState, inputResponses: { 'input-1': ann } };
    expect((await client.tool(retry)).json.result.resultType).toBe('input_required');
    expect((await client.tool(retry)).json.error.data.code).toBe('STATE_INVALID');
  });

  it('keeps a result that comes while nobody waits, for one retry, for a while', async () => {
    const gates = [new Gate(), new Gate()];
    let calls = 0;
    const gateway = await gatewayWith(async (exchange) => {
      ask(exchange).answer.catch(() => {});
      await gates[calls++]?.opened;
      return result({ late: true });
    });
    const client = clientOf(gateway);
    const { requestState } = (await client.tool()).json.result;
    gates[0]?.open();
    expect((await client.tool({ requestState, inputResponses: { 'input-1': ann } })).json.result).toMatchObject({
      late: true,
    });
    expect(gateway.stats.parked).toBe(0);
    gateway.app.get(ModernTimes, { strict: false }).keep = 1;
    await client.tool();
    gates[1]?.open();
    await expect.poll(() => gateway.stats.parked).toBe(0);
  });

  it('goes on when the upstream takes its question back', async () => {
    const back = new Gate();
    const gateway = await gatewayWith(async (exchange) => {
      const [one, two] = [ask(exchange), ask(exchange)];
      await back.opened;
      one.withdraw('never mind');
      return result({ told: text(await two.answer) });
    });
    const client = clientOf(gateway);
    const { requestState } = (await client.tool()).json.result;
    back.open();
    const inputResponses = { 'input-1': {}, 'input-2': ann };
    expect((await client.tool({ requestState, inputResponses })).json.result.told).toBe(JSON.stringify(ann));
  });

  it('expires: the call is aborted and nothing of it is left', async () => {
    const reasons: string[] = [];
    const gateway = await gatewayWith(
      async (exchange) => {
        exchange.onAbort((reason) => reasons.push(reason.code));
        await ask(exchange).answer;
        return result({});
      },
      {
        server: (config) => {
          config.limits.ask = 80;
        },
      },
    );
    const client = clientOf(gateway);
    const { requestState } = (await client.tool()).json.result;
    await expect.poll(() => reasons).toEqual(['ASK_TIMEOUT']);
    expect(gateway.stats).toMatchObject({ parked: 0, running: 0 });
    expect((await client.tool({ requestState })).json.error).toMatchObject({ code: -32602 });
  });

  it('is bounded per caller and in all, and frees its place', async () => {
    const gateway = await gatewayWith(asking, {
      providers: [new HeaderUsers()],
      server: (config) => {
        config.limits.parked_per_principal = 2;
        config.limits.parked_calls = 3;
      },
    });
    const [anna, bob] = ['ann', 'bob'].map((name) => clientOf(gateway).with({ headers: as(name) }));
    const states = [(await anna?.tool())?.json.result.requestState, (await anna?.tool())?.json.result.requestState];
    const full = (await anna?.tool())?.json.error;
    expect(full).toMatchObject({
      code: -32603,
      data: { code: 'PARKING_FULL', key: 'server.limits.parked_per_principal' },
    });
    expect((await bob?.tool())?.json.result.resultType).toBe('input_required');
    expect((await bob?.tool())?.json.error.data.key).toBe('server.limits.parked_calls');
    expect(gateway.stats.parked).toBe(3);
    await anna?.tool({ requestState: states[0], inputResponses: { 'input-1': ann } });
    expect((await bob?.tool())?.json.result.resultType).toBe('input_required');
  });

  it('does not exist where parking is off', async () => {
    const gateway = await gatewayWith(asking, {
      proxy: (config) => {
        config.parking = 'off';
      },
    });
    const { json } = await clientOf(gateway).tool();
    expect(json.error).toMatchObject({ code: -32603, data: { code: 'PARKING_OFF' } });
    expect(json.error.message).toContain('proxy.parking');
  });

  it('ends with the gateway', async () => {
    let aborted = false;
    const gateway = await gatewayWith(async (exchange) => {
      exchange.onAbort(() => {
        aborted = true;
      });
      await ask(exchange).answer;
      return result({});
    });
    await clientOf(gateway).tool();
    gateway.drain.abortAll();
    expect(aborted).toBe(true);
    expect(gateway.stats.parked).toBe(0);
  });
});

describe('a requestState', () => {
  const users = { providers: [new HeaderUsers()] };

  it('is good for this caller, tool, arguments and endpoint alone, and only unchanged', async () => {
    let calls = 0;
    const gateway = await gatewayWith((exchange, request) => {
      calls++;
      return asking(exchange, request);
    }, users);
    const anna = clientOf(gateway).with({ headers: as('ann') });
    const args = { arguments: { a: 1, b: 'x' } };
    const { requestState } = (await anna.tool(args)).json.result;
    const retry = { ...args, requestState, inputResponses: { 'input-1': ann } };
    const body = requestState.slice(0, -2);
    const attempts = [
      anna.with({ headers: as('bob') }).tool(retry),
      anna.with({ path: '/mcp/files' }).tool(retry),
      anna.request('tools/call', { ...retry, name: 'u' }),
      anna.request('prompts/get', { ...retry, name: 't' }),
      anna.tool({ ...retry, arguments: { a: 2, b: 'x' } }),
      anna.tool({ ...retry, arguments: { a: 1 } }),
      anna.tool({ ...retry, requestState: `${body}AA` }),
      anna.tool({ ...retry, requestState: 'g1.aaaaaa.bbbb' }),
      anna.tool({ ...retry, requestState: '' }),
    ];
    for (const attempt of attempts) {
      const { status, json } = await attempt;
      expect(status).toBe(200);
      expect(json.error.code).toBe(-32602);
      expect(json.error.message).toBe('requestState is not valid for this request; start over without it');
    }
    expect(calls).toBe(1);
    const reordered = { inputResponses: { 'input-1': ann }, requestState, arguments: { b: 'x', a: 1 } };
    expect((await anna.tool(reordered)).json.result.told).toBe(JSON.stringify(ann));
  });

  it('reaches nothing that is hidden from its caller by now', async () => {
    const gateway = await gatewayWith(asking);
    const client = clientOf(gateway);
    const { requestState } = (await client.tool()).json.result;
    gateway.proxy.hidden.add('t');
    expect((await client.tool({ requestState, inputResponses: { 'input-1': ann } })).json.error.data.code).toBe(
      'UNKNOWN_TOOL',
    );
    gateway.proxy.hidden.delete('t');
    expect((await client.tool({ requestState, inputResponses: { 'input-1': ann } })).json.result.told).toBeTruthy();
  });

  it('says so when its call was lost with the process that held it', async () => {
    const keyed: TestGatewayOptions = {
      server: (config) => {
        config.session_key = new Secret('k'.repeat(40));
      },
    };
    const [one, two] = [await gatewayWith(asking, keyed), await gatewayWith(asking, keyed)];
    const { requestState } = (await clientOf(one).tool()).json.result;
    const { json } = await clientOf(two).tool({ requestState, inputResponses: {} });
    expect(json.error).toMatchObject({ code: -32602, data: { code: 'STATE_LOST', reason: 'state_lost' } });
  });
});

describe('questions of a modern upstream', () => {
  const upstream: FakeHandler = (exchange) => {
    const { resumption } = exchange;
    if (resumption) {
      const told = { ...resumption, inputResponses: String(resumption.inputResponses) };
      return result({ told });
    }
    const asked = {
      resultType: 'input_required',
      inputRequests: { k: { method: 'roots/list', x: 1 } },
      requestState: 'up state',
    };
    return { kind: 'input_required', result: Buffer.from(JSON.stringify(asked)), server: 'files' };
  };

  it('pass with their keys; the state is wrapped, and opened again for the retry', async () => {
    const gateway = await gatewayWith(upstream);
    const client = clientOf(gateway);
    const { json } = await client.tool();
    expect(json.result).toMatchObject({
      resultType: 'input_required',
      inputRequests: { k: { method: 'roots/list', x: 1 } },
    });
    const { requestState } = json.result;
    expect(requestState).toMatch(/^g1\./);
    expect(gateway.stats.parked).toBe(0);
    const retry = { requestState, inputResponses: { k: { roots: [] } } };
    const expected = { inputResponses: '{"k":{"roots":[]}}', requestState: 'up state', server: 'files' };
    expect((await client.tool(retry)).json.result.told).toEqual(expected);
    // Nothing is remembered of it: it may be used again (M:mrtr leaves that to the upstream).
    expect((await client.tool(retry)).json.result.told).toEqual(expected);
    expect((await client.tool({ ...retry, arguments: { x: 1 } })).json.error.data.code).toBe('STATE_INVALID');
  });

  it('come without a state when the upstream gave none, and the retry then has none', async () => {
    const gateway = await gatewayWith((exchange, request) => {
      if (exchange.resumption) return upstream(exchange, request);
      const asked = Buffer.from('{"inputRequests":{"k":{"method":"roots/list"}}}');
      return { kind: 'input_required', result: asked, server: 'files' };
    });
    const client = clientOf(gateway);
    const { json } = await client.tool();
    expect(json.result).not.toHaveProperty('requestState');
    expect((await client.tool({ inputResponses: { k: {} } })).json.result.told).toEqual({ inputResponses: '{"k":{}}' });
  });

  it('must be such that this client can be asked, and must ask something', async () => {
    const gateway = await gatewayWith(upstream);
    const answer = await clientOf(gateway).with({ capabilities: {} }).tool();
    expect(answer.status).toBe(400);
    expect(answer.json.error).toMatchObject({ code: -32021, data: { requiredCapabilities: { roots: {} } } });
    gateway.proxy.handlers.set('tools/call', () => ({
      kind: 'input_required',
      result: Buffer.from('{}'),
      server: 'files',
    }));
    expect((await clientOf(gateway).tool()).json.error.data.code).toBe('UPSTREAM_PROTOCOL');
  });

  it('are not answered after their time', async () => {
    const gateway = await gatewayWith(upstream);
    gateway.app.get(ModernTimes, { strict: false }).state = -1;
    const { requestState } = (await clientOf(gateway).tool()).json.result;
    const late = await clientOf(gateway).tool({ requestState, inputResponses: { k: {} } });
    expect(late.json.error.data.code).toBe('STATE_INVALID');
  });

  it('end with an error when the proxy refuses the state', async () => {
    const gateway = await gatewayWith(() => {
      throw new GatewayError('STATE_INVALID', 'no');
    });
    expect((await clientOf(gateway).tool()).json.error.code).toBe(-32602);
  });
});
