import type { LoggingLevel } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Peer } from '../support/client.js';
import { TARGETS, type Target, Targets } from '../support/targets.js';
import { until } from '../support/wait.js';

const targets = new Targets();
beforeAll(() => targets.start());
afterEach(() => targets.endClients());
afterAll(() => targets.close());

const logs = (peer: Peer) =>
  peer.notifications.items
    .filter(({ method }) => method === 'notifications/message')
    .map(({ params }) => params?.['data']);

describe.each(TARGETS)('notifications, %s', (label) => {
  let target: Target;
  beforeAll(() => {
    target = targets.get(label);
  });

  it('delivers log messages of a call, at the level each session wants', async () => {
    const [quiet, chatty] = [await target.connect(), await target.connect()];
    await quiet.client.setLoggingLevel('error');
    await chatty.client.setLoggingLevel('debug');
    const levels: LoggingLevel[] = ['debug', 'info', 'warning', 'error', 'critical'];
    for (const level of levels) {
      for (const peer of [quiet, chatty]) await peer.call(target.name('log'), { level, data: `a ${level}` });
    }
    await until('all messages arrived', () => logs(quiet).length === 2 && logs(chatty).length === 5);
    expect(logs(quiet)).toEqual(['a error', 'a critical']);
    expect(logs(chatty)).toEqual(levels.map((level) => `a ${level}`));
  });

  it('delivers a log message that belongs to no call to its session alone', async (context) => {
    // One child serves all sessions of a stdio upstream, so nobody can say whose message it is.
    if (label.endsWith('local')) return context.skip();
    const [speaker, other] = [await target.connect(), await target.connect()];
    await speaker.client.setLoggingLevel('info');
    await other.client.setLoggingLevel('info');
    await until('the stream is open and the message arrives', async () => {
      await speaker.call(target.name('log'), { data: 'outside', outside: true });
      return logs(speaker).includes('outside');
    });
    expect(logs(other)).toEqual([]);
  });

  it('refuses a log level nobody knows', async () => {
    const peer = await target.connect();
    const code = label === 'direct' ? -32603 : -32602; // the SDK's servers have their own idea
    await expect(peer.client.setLoggingLevel('loud' as LoggingLevel)).rejects.toMatchObject({ code });
  });

  it.each([
    ['tools', 'notifications/tools/list_changed'],
    ['prompts', 'notifications/prompts/list_changed'],
    ['resources', 'notifications/resources/list_changed'],
  ] as const)('tells every session when %s come and go', async (kind, method) => {
    const [actor, witness] = [await target.connect(), await target.connect()];
    const name = kind === 'resources' ? `memo://added/${Math.random()}` : `added_${Math.random()}`;
    const exposed = kind === 'resources' ? target.uri(name) : target.name(name);
    const names = async () => {
      if (kind === 'resources') return (await witness.resources()).map(({ uri }) => uri);
      return (kind === 'tools' ? await witness.tools() : await witness.prompts()).map((item) => item.name);
    };
    expect(await names()).not.toContain(exposed);
    const told = () => witness.notifications.count((seen) => seen.method === method);
    for (const present of [true, false]) {
      const before = told();
      await actor.call(target.name('change'), { kind, name, present });
      await until(`the witness is told (present: ${present})`, () => told() > before);
      await until(`the list shows it (present: ${present})`, async () => (await names()).includes(exposed) === present);
    }
  });
});
