import { describe, expect, it } from 'vitest';
import { corridors } from '../testing/corridor.js';
import { ScriptedUpstream } from '../testing/scripted-upstream.js';

const open = corridors();

const EVERYTHING = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
};

/** An upstream that connects when the test says so. */
function lateUpstream(welcome: object = {}): { upstream: ScriptedUpstream; arrive: () => void } {
  const upstream = new ScriptedUpstream();
  upstream.welcome = { ...welcome };
  let arrive = () => {};
  upstream.opens = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  return { upstream, arrive };
}

describe('the answer to initialize', () => {
  it('says what the one upstream of an endpoint declared, and the union of several', async () => {
    const tools = new ScriptedUpstream();
    tools.welcome = { capabilities: { tools: {} } };
    const prompts = new ScriptedUpstream();
    prompts.welcome = { capabilities: { prompts: {}, logging: {} } };
    const corridor = await open({ tools, prompts });
    expect(corridor.client({ at: 'tools' }).initialize().capabilities).toEqual({ tools: { listChanged: true } });
    expect(corridor.client({ at: 'prompts' }).initialize().capabilities).toEqual({
      prompts: { listChanged: true },
      logging: {},
    });
    expect(corridor.client().initialize().capabilities).toEqual({
      tools: { listChanged: true },
      prompts: { listChanged: true },
      logging: {},
    });
  });

  it('promises everything while an upstream has not been heard of, since a client never asks again', async () => {
    const { upstream: late, arrive } = lateUpstream({ capabilities: { tools: {} } });
    const early = new ScriptedUpstream();
    early.welcome = { capabilities: { tools: {} } };
    const corridor = await open(
      { early, late },
      { late: ['late'], proxy: { toolsets: { some: { include: ['late:*'] }, others: { include: ['early:work'] } } } },
    );
    const capabilities = (at?: string) =>
      corridor.client({ ...(at !== undefined && { at }) }).initialize().capabilities;
    expect(capabilities()).toEqual(EVERYTHING);
    expect(capabilities('late')).toEqual(EVERYTHING);
    expect(capabilities('some')).toEqual(EVERYTHING);
    expect(capabilities('early')).toEqual({ tools: { listChanged: true } });
    arrive();
    await corridor.listed('late');
    for (const at of [undefined, 'late', 'some']) expect(capabilities(at)).toEqual({ tools: { listChanged: true } });
  });

  it('waits for upstreams right after the start, but not for ever', async () => {
    const { upstream: late, arrive } = lateUpstream();
    const corridor = await open({ late }, { late: ['late'], warmUp: 20 });
    await corridor.proxy.warm(corridor.client().exchange());
    expect(corridor.client().initialize().capabilities).toEqual(EVERYTHING);
    arrive();
  });

  it('carries the instructions of one upstream as they are, and of several under their names', async () => {
    const [a, b, c] = [new ScriptedUpstream(), new ScriptedUpstream(), new ScriptedUpstream()];
    a.welcome = { instructions: 'Be brief.' };
    b.welcome = { instructions: '  ' };
    c.welcome = { instructions: 'Be kind.\n' };
    const corridor = await open({ a, b, c });
    expect(corridor.client({ at: 'a' }).initialize().instructions).toBe('Be brief.');
    const text = corridor.client({ name: 'claude-code' }).initialize().instructions ?? '';
    expect(text).toContain('<server>__<name>');
    expect(text).toMatch(/## a\n\nBe brief\.\n\n## c\n\nBe kind\.$/);
    expect(text).not.toContain('## b');
  });

  it("is the gateway's own, in the client's version", async () => {
    const corridor = await open({ a: new ScriptedUpstream() });
    expect(corridor.client({ version: '2024-11-05' }).initialize()).toMatchObject({
      protocolVersion: '2024-11-05',
      serverInfo: { name: 'mcp-gateway', version: '1.2.3' },
    });
  });
});
