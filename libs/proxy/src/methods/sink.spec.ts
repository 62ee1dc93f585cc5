import { describe, expect, it } from 'vitest';
import { corridors } from '../testing/corridor.js';
import { type Script, ScriptedUpstream, type Seen } from '../testing/scripted-upstream.js';

const open = corridors();

async function corridorOf(script: Script) {
  const up = new ScriptedUpstream(script);
  return { up, corridor: await open({ up }) };
}

const tokenOf = (seen: Seen) => JSON.stringify((seen.params['_meta'] as { progressToken?: unknown }).progressToken);

describe('progress', () => {
  const progressing: Script = {
    'tools/call': (seen) => {
      const meta = '"_meta":{"a/b":1,"io.modelcontextprotocol/related-task":{"taskId":"1"}}';
      seen.say(
        `{"jsonrpc":"2.0","method":"notifications/progress","params":{"x":90071992547409931,"progressToken":${tokenOf(seen)},"progress":1,${meta}}}`,
      );
      seen.result('{"content":[]}');
    },
  };

  it.each(['0', '""', '-1', '12345678901234567890', '"\\u0061"', '"a b"'])(
    'comes back under the token as the client spelled it: %s',
    async (token) => {
      const { corridor } = await corridorOf(progressing);
      const client = corridor.client();
      await client.result('tools/call', `{"name":"up:work","_meta":{"progressToken":${token}}}`);
      expect(client.told).toEqual([
        {
          method: 'notifications/progress',
          params: `{"x":90071992547409931,"progress":1,"_meta":{"a/b":1},"progressToken":${token}}`,
        },
      ]);
    },
  );

  it.each(['null', '{}', '[]', 'true'])('is dropped for what is no token: %s', async (token) => {
    const { corridor } = await corridorOf(progressing);
    const client = corridor.client();
    await client.result('tools/call', `{"name":"up:work","_meta":{"progressToken":${token}}}`);
    expect(client.told).toEqual([]);
  });

  it('is kept apart for two clients with one token', async () => {
    const waiting: Seen[] = [];
    const { corridor } = await corridorOf({ 'tools/call': (seen) => void waiting.push(seen) });
    const [ann, bob] = [corridor.client(), corridor.client()];
    const params = { name: 'up:work', _meta: { progressToken: 1 } };
    const calls = [ann.send('tools/call', params), bob.send('tools/call', params)];
    await expect.poll(() => waiting.length).toBe(2);
    expect(tokenOf(waiting[0]!)).not.toBe(tokenOf(waiting[1]!));
    for (const [index, seen] of waiting.entries()) {
      seen.say(
        `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${tokenOf(seen)},"progress":${index + 10}}}`,
      );
      seen.result('{"content":[]}');
    }
    await Promise.all(calls);
    expect(ann.told.map(({ params }) => JSON.parse(params))).toEqual([{ progress: 10, progressToken: 1 }]);
    expect(bob.told.map(({ params }) => JSON.parse(params))).toEqual([{ progress: 11, progressToken: 1 }]);
  });
});

describe('requests on their way to the upstream', () => {
  it('lose what belongs to the client hop, and keep every other byte', async () => {
    const { up, corridor } = await corridorOf({ 'tools/call': ({ result }) => result('{}') });
    await corridor
      .client()
      .result(
        'tools/call',
        '{"name":"up:work", "arguments":{"n":12345678901234567890,"e":"\\u0061","task":1},"task":{"ttl":1},"x":[1.0],"_meta":{"io.modelcontextprotocol/clientInfo":{"name":"evil"},"com.acme/k":9007199254740993}}',
      );
    expect(up.last('tools/call')).toMatch(
      /^\{"name":"work", "arguments":\{"n":12345678901234567890,"e":"\\u0061","task":1\},"x":\[1\.0\],"_meta":\{"com\.acme\/k":9007199254740993,"progressToken":\d+\}\}$/,
    );
  });

  it('carry the URIs the upstream knows, wherever they stand in arguments', async () => {
    const { up, corridor } = await corridorOf({ 'tools/call': ({ result }) => result('{}') });
    await corridor.client().result('tools/call', {
      name: 'up:work',
      arguments: { a: 'up+file:///a', t: ['up+file:///t/1'], no: 'up+file:///nobody', text: 'see up+file:///a' },
    });
    expect(JSON.parse(up.last('tools/call')).arguments).toEqual({
      a: 'file:///a',
      t: ['file:///t/1'],
      no: 'up+file:///nobody',
      text: 'see up+file:///a',
    });
  });
});

describe('log messages', () => {
  const logging: Script = {
    'tools/call': (seen) => {
      for (const level of ['debug', 'warning', 'nonsense']) {
        seen.say(
          `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"${level}","data":1,"_meta":{"a/b":1,"io.modelcontextprotocol/related-task":{}}}}`,
        );
      }
      seen.result('{"content":[]}');
    },
  };

  it('reach a client that set no level as the upstream sends them', async () => {
    const { corridor } = await corridorOf(logging);
    const client = corridor.client();
    await client.result('tools/call', { name: 'up:work' });
    expect(client.told.map(({ params }) => JSON.parse(params))).toEqual([
      { level: 'debug', data: 1, _meta: { 'a/b': 1 } },
      { level: 'warning', data: 1, _meta: { 'a/b': 1 } },
      { level: 'nonsense', data: 1, _meta: { 'a/b': 1 } },
    ]);
  });

  it('below the level of the session stay away, of this session alone', async () => {
    const { corridor } = await corridorOf(logging);
    const [quiet, chatty] = [corridor.client(), corridor.client()];
    await quiet.result('logging/setLevel', { level: 'warning' });
    await quiet.result('tools/call', { name: 'up:work' });
    await chatty.result('tools/call', { name: 'up:work' });
    const levels = (client: typeof quiet) => client.told.map(({ params }) => JSON.parse(params).level);
    expect(levels(quiet)).toEqual(['warning']);
    expect(levels(chatty)).toContain('debug');
  });

  it('can be set in no time although an upstream does not answer', async () => {
    const { corridor } = await corridorOf({ 'logging/setLevel': () => {} });
    const client = corridor.client();
    await client.send('prompts/get', { name: 'up:greet' });
    expect(await client.result('logging/setLevel', { level: 'error' })).toBe('{}');
  }, 10_000);

  it('have no other levels than the protocol knows', async () => {
    const { corridor } = await corridorOf({});
    await expect(corridor.client().send('logging/setLevel', { level: 'loud' })).rejects.toMatchObject({
      code: 'INVALID_PARAMS',
    });
  });
});

describe('questions', () => {
  const form = (more = '', properties = '{}') =>
    `{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"Who?","requestedSchema":{"type":"object","properties":${properties}}${more}}}`;

  async function asking(question: string, options: { version?: string; at?: string } = {}) {
    let call: Seen | undefined;
    const { up, corridor } = await corridorOf({
      'tools/call': (seen) => {
        call = seen;
        seen.say(question);
      },
    });
    const client = corridor.client({ capabilities: { elicitation: {}, sampling: {}, roots: {} }, ...options });
    client.reply = () => ({ kind: 'result', result: Buffer.from('{"action":"decline"}') });
    const sent = client.send('tools/call', { name: options.at === undefined ? 'up:work' : 'work' });
    const answer = async () => {
      await expect.poll(() => up.posted.find(({ id }) => id === 'q')).toBeDefined();
      call?.result('{"content":[]}');
      await sent;
      return up.posted.find(({ id }) => id === 'q');
    };
    return { up, corridor, client, answer };
  }

  it('name the server behind an aggregate, and are untouched behind one upstream', async () => {
    const aggregate = await asking(form());
    await aggregate.answer();
    expect(JSON.parse(aggregate.client.asked[0]?.params ?? '')).toMatchObject({
      message: '[up] Who?',
      _meta: { 'dev.mcp-gateway/server': 'up' },
    });
    const single = await asking(form(), { at: 'up' });
    await single.answer();
    expect(JSON.parse(single.client.asked[0]?.params ?? '')).toEqual({
      message: 'Who?',
      requestedSchema: { type: 'object', properties: {} },
    });
  });

  it.each(['5', 'null', '"text"', '[1]'])('survive a `_meta` that is no object: %s', async (meta) => {
    const { client, answer } = await asking(form(`,"_meta":${meta}`));
    expect(await answer()).toMatchObject({ result: { action: 'decline' } });
    expect(JSON.parse(client.asked[0]?.params ?? '')).toMatchObject({ _meta: { 'dev.mcp-gateway/server': 'up' } });
  });

  it('lose the protocol keys of the other hop in both directions', async () => {
    const { client, answer } = await asking(
      form(',"_meta":{"a/b":1,"progressToken":3,"io.modelcontextprotocol/related-task":{}}'),
      { at: 'up' },
    );
    client.reply = () => ({
      kind: 'result',
      result: Buffer.from('{"action":"accept","_meta":{"c/d":2,"io.modelcontextprotocol/clientInfo":{}}}'),
    });
    expect(await answer()).toMatchObject({ result: { action: 'accept', _meta: { 'c/d': 2 } } });
    expect(JSON.parse(client.asked[0]?.params ?? '')._meta).toEqual({ 'a/b': 1 });
    expect(JSON.stringify((await answer())?.['result'])).not.toContain('clientInfo');
  });

  it('fit a client that knows forms only as of 2025-06-18', async () => {
    const properties =
      '{"c":{"type":"string","oneOf":[{"const":"r","title":"Red"},{"const":"g"}],"default":"r"},"n":{"type":"number","default":1},"b":{"type":"boolean","default":true}}';
    const { client, answer } = await asking(form(',"mode":"form"', properties), { version: '2025-06-18', at: 'up' });
    await answer();
    expect(JSON.parse(client.asked[0]?.params ?? '')).toEqual({
      message: 'Who?',
      requestedSchema: {
        type: 'object',
        properties: {
          c: { type: 'string', enum: ['r', 'g'], enumNames: ['Red', 'g'] },
          n: { type: 'number' },
          b: { type: 'boolean', default: true },
        },
      },
    });
  });

  it('that such a client cannot show are refused', async () => {
    const properties = '{"c":{"type":"array","items":{"type":"string","enum":["a"]}}}';
    const { client, answer } = await asking(form('', properties), { version: '2025-06-18' });
    expect(await answer()).toMatchObject({ error: { code: -32601, data: { code: 'ASK_UNSUPPORTED' } } });
    expect(client.asked).toEqual([]);
  });

  it('of capabilities the client did not declare are refused', async () => {
    const { client, answer } = await asking(
      '{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"mode":"url","message":"m","url":"https://x.example","elicitationId":"1"}}',
    );
    expect(await answer()).toMatchObject({ error: { code: -32602 } });
    expect(client.asked).toEqual([]);
  });

  it('to a model carry URIs there and back', async () => {
    const block = (uri: string) => `{"type":"resource_link","uri":"${uri}","name":"a"}`;
    const { client, answer } = await asking(
      `{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{"messages":[{"role":"user","content":${block('file:///a')}}],"maxTokens":9007199254740993,"includeContext":"none"}}`,
    );
    client.reply = () => ({
      kind: 'result',
      result: Buffer.from(`{"role":"assistant","model":"m","content":${block('up+file:///a')}}`),
    });
    expect(await answer()).toMatchObject({ result: { content: { uri: 'file:///a' } } });
    expect(client.asked[0]?.params).toContain('"uri":"up+file:///a"');
    expect(client.asked[0]?.params).toContain('"maxTokens":9007199254740993');
    expect(client.asked[0]?.params).not.toContain('includeContext');
  });

  it('that cannot be delivered fail at the upstream with a reason', async () => {
    const { client, answer } = await asking(form());
    client.reply = () => {
      throw new Error('no');
    };
    expect(await answer()).toMatchObject({ error: { code: -32603 } });
  });
});
