import { describe, expect, it } from 'vitest';
import { type Principal, principal } from '#libs/kernel';
import { CatalogueService } from './catalogue.service.js';
import { AGGREGATE, COLON, listing, resource, settings, TestDecide, tool } from './testing/listings.js';

const alice = principal('https://idp.example.com', 'alice');
const bob = principal('https://idp.example.com', 'bob');
const carol = principal('https://idp.example.com', 'carol');

function service(): CatalogueService {
  const catalogue = new CatalogueService(new TestDecide());
  catalogue.configure(settings('mine', 'ours'));
  catalogue.publish(listing('ours', { tools: [tool('common')] }));
  return catalogue;
}

const view = (catalogue: CatalogueService, who: Principal) =>
  catalogue.view({ principal: who, endpoint: AGGREGATE, spelling: COLON });
const names = (catalogue: CatalogueService, who: Principal) =>
  (JSON.parse(view(catalogue, who).list('tools', undefined).toString()) as { tools: { name: string }[] }).tools.map(
    ({ name }) => name,
  );

describe('what an upstream lists to one caller', () => {
  it('is in that caller’s views and in nobody else’s', () => {
    const catalogue = service();
    catalogue.publishFor(
      alice.key,
      listing('mine', { tools: [tool('of_alice')], resources: [resource('memo://alice')] }),
    );
    catalogue.publishFor(bob.key, listing('mine', { tools: [tool('of_bob')] }));
    expect(names(catalogue, alice)).toEqual(['mine:of_alice', 'ours:common']);
    expect(names(catalogue, bob)).toEqual(['mine:of_bob', 'ours:common']);
    expect(names(catalogue, carol)).toEqual(['ours:common']);
    expect(view(catalogue, bob).tool('mine:of_alice')).toBeUndefined();
    expect(view(catalogue, carol).tool('mine:of_bob')).toBeUndefined();
    expect(view(catalogue, alice).tool('mine:of_alice')?.ref.name).toBe('of_alice');
    expect(view(catalogue, carol).servers).toEqual(['ours']);
    expect(view(catalogue, alice).resource('mine+memo://alice')).toEqual({ server: 'mine', uri: 'memo://alice' });
    expect(view(catalogue, carol).resource('mine+memo://alice')).toBeUndefined();
  });

  it('is seen by a request that is made again, as soon as it is there and as long as its caller is of its class', () => {
    const decide = new TestDecide();
    const catalogue = new CatalogueService(decide);
    catalogue.configure(settings('mine', 'ours'));
    catalogue.publish(listing('ours', { tools: [tool('common')] }));
    const key = { text: '', own: -1, audience: '' };
    const again = { principal: alice, endpoint: AGGREGATE, spelling: COLON, key };
    const before = catalogue.view(again);
    expect(catalogue.view(again)).toBe(before);
    catalogue.publishFor(alice.key, listing('mine', { tools: [tool('of_alice')] }));
    expect(catalogue.view(again).tool('mine:of_alice')).toBeDefined();
    catalogue.withdrawFor('mine', alice.key);
    expect(catalogue.view(again).tool('mine:of_alice')).toBeUndefined();
    decide.classOf = () => 'another class';
    decide.rule = () => false;
    expect(catalogue.view(again).tool('ours:common')).toBeUndefined();
  });

  it('may look the same and be another thing', () => {
    const catalogue = service();
    for (const who of [alice, bob]) {
      catalogue.publishFor(who.key, listing('mine', { tools: [tool('run', { description: `as ${who.subject}` })] }));
    }
    for (const who of [alice, bob]) {
      expect(view(catalogue, who).list('tools', undefined).toString()).toContain(`as ${who.subject}`);
      expect(view(catalogue, who).tool('mine:run')?.raw.toString()).toContain(`as ${who.subject}`);
    }
  });

  it('stays with new generations, follows that caller’s list, and goes when it is withdrawn', () => {
    const catalogue = service();
    const changes: unknown[] = [];
    catalogue.changes.on('changed', ({ kinds, servers }) => changes.push({ kinds, servers }));
    catalogue.publishFor(alice.key, listing('mine', { tools: [tool('one')] }));
    catalogue.publishFor(alice.key, listing('mine', { tools: [tool('one')] }));
    catalogue.publish(listing('ours', { tools: [tool('common'), tool('more')] }));
    expect(names(catalogue, alice)).toEqual(['mine:one', 'ours:common', 'ours:more']);
    catalogue.publishFor(alice.key, listing('mine', { tools: [tool('two')] }));
    expect(names(catalogue, alice)).toEqual(['mine:two', 'ours:common', 'ours:more']);
    catalogue.withdrawFor('mine', alice.key);
    expect(names(catalogue, alice)).toEqual(['ours:common', 'ours:more']);
    expect(changes).toEqual(
      ['mine', 'ours', 'mine', 'mine'].map((server) => ({ kinds: ['tools'], servers: [server] })),
    );
  });

  it('is withdrawn for everybody when its server is another', () => {
    const catalogue = service();
    for (const who of [alice, bob]) catalogue.publishFor(who.key, listing('mine', { tools: [tool('x')] }));
    catalogue.withdrawFor('mine', undefined);
    catalogue.publish(listing('mine', { tools: [tool('for_all')] }));
    for (const who of [alice, bob, carol]) expect(names(catalogue, who)).toEqual(['mine:for_all', 'ours:common']);
  });

  it('is forgotten with its server’s configuration', () => {
    const catalogue = service();
    catalogue.publishFor(alice.key, listing('mine', { tools: [tool('x')] }));
    catalogue.configure(settings('ours'));
    expect(names(catalogue, alice)).toEqual(['ours:common']);
  });

  it('takes a bounded amount of memory: the callers not seen for longest go first', () => {
    const catalogue = service();
    const big = tool('big', {
      description: 'x'.repeat(8_000),
      inputSchema: { type: 'object', pad: 'y'.repeat(200_000) },
    });
    const many = Array.from({ length: 400 }, (_, n) => principal('https://idp.example.com', `user-${n}`));
    for (const who of many) catalogue.publishFor(who.key, listing('mine', { tools: [big] }));
    expect(names(catalogue, many.at(-1) as Principal)).toContain('mine:big');
    expect(names(catalogue, many[0] as Principal)).toEqual(['ours:common']);
  });
});
