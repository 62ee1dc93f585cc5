import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import { JsonView, type Listing } from '#libs/mcp';
import { InProcessServer } from '#libs/plugin';
import { callOf, exchangeOf, RecordingSink } from '../testing/callers.js';
import { listingEvery, proxyOf, RegistryBench, serverOf } from '../testing/registries.js';
import { InProcessTransport } from '../transports/in-process/in-process.transport.js';
import { differenceOf, withAudiences } from './difference.js';

function listing(...names: string[]): Listing {
  const tools = names.map((name) => Buffer.from(JSON.stringify({ name, inputSchema: { type: 'object' } })));
  return {
    server: 'a',
    era: 'legacy',
    version: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: {},
    items: { tools, prompts: [], resources: [], templates: [] },
    failed: {},
  };
}

const names = ({ items }: Listing) => items.tools.map((item) => JsonView.of(item).get('name')?.string());

describe('lists that depend on what the client declared', () => {
  it('are united, with who is offered what', () => {
    const base = listing('plain', 'fallback');
    const united = withAudiences(
      base,
      new Map([
        ['e', differenceOf(base, listing('plain', 'asks'))],
        ['s', differenceOf(base, listing('plain', 'fallback'))],
      ]),
    );
    expect(names(united)).toEqual(['plain', 'fallback', 'asks']);
    expect(united.audiences?.probed).toEqual(['', 'e', 's']);
    expect(united.audiences?.only.tools).toEqual([
      ['fallback', ['', 's']],
      ['asks', ['e']],
    ]);
  });

  it('are the plain lists when nobody is offered anything else', () => {
    const base = listing('plain');
    expect(withAudiences(base, new Map([['e', differenceOf(base, listing('plain'))]]))).toBe(base);
  });

  it('follow the plain lists when these change', () => {
    const difference = differenceOf(listing('plain'), listing('plain', 'asks'));
    const united = withAudiences(listing('plain', 'asks', 'fresh'), new Map([['e', difference]]));
    expect(names(united)).toEqual(['plain', 'asks', 'fresh']);
    expect(united.audiences?.only.tools).toEqual([]);
  });

  it('take a list that failed for an equal one', () => {
    const failed = { ...listing(), failed: { tools: 'no answer' } };
    expect(differenceOf(listing('plain'), failed).removed.tools).toEqual([]);
  });
});

/** Offers more to clients that can be asked, as the reference server does. */
class Discerning extends InProcessServer {
  asked = 0;
  forAsking = ['plain', 'asks'];

  create() {
    const server = new Server({ name: 'discerning', version: '1' }, { capabilities: { tools: {} } });
    server.setRequestHandler(ListToolsRequestSchema, () => {
      const asks = server.getClientCapabilities()?.elicitation !== undefined;
      if (asks) this.asked++;
      return {
        tools: (asks ? this.forAsking : ['plain']).map((name) => ({ name, inputSchema: { type: 'object' } })),
      };
    });
    return server as never;
  }
}

const benches: RegistryBench[] = [];
afterEach(async () => {
  await Promise.all(benches.splice(0).map(({ registry }) => registry.stop(0)));
});

describe('an upstream that lists by capability', () => {
  it('is asked once for each capability set that comes along', async () => {
    const server = new Discerning();
    const bench = new RegistryBench({ 'in-process': new InProcessTransport({ get: () => server } as never) });
    benches.push(bench);
    await bench.up(proxyOf([serverOf('a', 'in-process')]));
    const upstream = bench.upstream('a');
    expect(names(upstream.listing as Listing)).toEqual(['plain']);

    const capabilities = { elicitation: {} };
    await upstream.prepare(exchangeOf({ session: 'one', capabilities }));
    expect(names(upstream.listing as Listing)).toEqual(['plain', 'asks']);
    expect(upstream.listing?.audiences?.only.tools).toEqual([['asks', ['ef']]]);
    expect(names(bench.listed.at(-1) as Listing)).toEqual(['plain', 'asks']);

    await upstream.prepare(exchangeOf({ session: 'two', capabilities }));
    expect(server.asked).toBe(1);
  });

  it('is asked again when its lists are looked at, also when the session it was asked on is gone', async () => {
    const server = new Discerning();
    const bench = new RegistryBench({ 'in-process': new InProcessTransport({ get: () => server } as never) });
    benches.push(bench);
    await bench.up(proxyOf([serverOf('a', 'in-process', {}, { state: 'session' })], { discovery: listingEvery(20) }));
    const upstream = bench.upstream('a');
    const capabilities = { elicitation: {} };
    await upstream.prepare(exchangeOf({ session: 'one', capabilities }));
    expect(names(upstream.listing as Listing)).toEqual(['plain', 'asks']);

    server.forAsking = ['plain', 'asks', 'more'];
    await bench.until(() => names(upstream.listing as Listing).includes('more'));

    bench.registry.releaseClient('one');
    server.forAsking = ['plain'];
    await upstream.send(callOf('ping'), exchangeOf({ session: 'two', capabilities }), new RecordingSink());
    await bench.until(() => names(upstream.listing as Listing).length === 1);
  });

  it('tells nobody what it offers to one user alone', async () => {
    const server = new Discerning();
    const bench = new RegistryBench({ 'in-process': new InProcessTransport({ get: () => server } as never) });
    benches.push(bench);
    await bench.up(proxyOf([serverOf('a', 'in-process', {}, { auth: { type: 'per-user' } })]));
    const upstream = bench.upstream('a');
    const exchange = exchangeOf({ session: 'one', capabilities: { elicitation: {} } });
    await upstream.prepare(exchange);
    await upstream.send(callOf('ping'), exchange, new RecordingSink());
    expect(server.asked).toBe(0);
    expect(names(upstream.listing as Listing)).toEqual(['plain']);
  });

  it('is left alone by clients that declare nothing', async () => {
    const server = new Discerning();
    const bench = new RegistryBench({ 'in-process': new InProcessTransport({ get: () => server } as never) });
    benches.push(bench);
    await bench.up(proxyOf([serverOf('a', 'in-process')]));
    await bench.upstream('a').prepare(exchangeOf({ session: 'one' }));
    expect(bench.upstream('a').status.sessions).toBe(1);
  });
});
