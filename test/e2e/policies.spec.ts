import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Answers } from '../support/client.js';
import { type AnyClient, GENERATIONS, textOf } from '../support/clients.js';
import { listed, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { ROOT } from '../support/processes.js';
import { EVERYTHING, stdio } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const PLUGINS = ['examples/plugins/redact/index.js', 'test/fixtures/plugins/policies/confirm.mjs'];
const SURE: Answers = { elicit: () => ({ action: 'accept', content: { sure: true } }) };
const UNSURE: Answers = { elicit: () => ({ action: 'decline' }) };

interface Line {
  readonly event: string;
  readonly object: string;
  readonly decision: string;
  readonly outcome: string;
  readonly [key: string]: unknown;
}

const servers = new Cleanup();
const clients = new Cleanup();
let gateway: SpawnedGateway;

beforeAll(async () => {
  const plugins = PLUGINS.map((file) => join(ROOT, file));
  const sections = { plugins, audit: { to: 'audit.jsonl' } };
  gateway = servers.add(await spawnGateway({ servers: [stdio('all', EVERYTHING, ['stdio'])], sections }));
  await listed(gateway, 'all');
});
afterEach(() => clients.close());
afterAll(() => servers.close());

function audited(): Line[] {
  const text = readFileSync(join(dirname(gateway.file), 'audit.jsonl'), 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}

/**
 * The lines that come while something is done: one per call, soon after it is over. Every call
 * here goes through this, or its line would be taken for one of the next test's.
 */
async function linesOf(work: () => Promise<unknown>, count: number): Promise<Line[]> {
  const before = audited().length;
  await work();
  return until('the audit has it', () => {
    const fresh = audited().slice(before);
    return fresh.length >= count ? fresh : undefined;
  });
}

describe.each(Object.entries(GENERATIONS))('call policies of plug-ins, %s', (_, generation) => {
  const connect = async (answers?: Answers): Promise<AnyClient> =>
    clients.add(await generation.connect(gateway.mcp(), answers));

  it('redact what a real server answers', async () => {
    const client = await connect();
    const lines = await linesOf(async () => {
      const result = await client.call('all:echo', { message: 'card 4111 1111 1111 1111' });
      expect(textOf(result)).toBe('Echo: card [redacted]');
    }, 1);
    expect(lines).toMatchObject([
      {
        event: 'call',
        who: { anonymous: true },
        method: 'tools/call',
        object: 'all:echo',
        decision: 'allow',
        outcome: 'result',
        arguments: { keys: [{ name: 'message', bytes: 26 }] },
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain('4111');
  });

  it('have a call confirmed by the person in front of the client, once', async () => {
    let asked = 0;
    const client = await connect({
      elicit: (params) => {
        asked += 1;
        expect(params['message']).toContain('[gateway: confirm]');
        return { action: 'accept', content: { sure: true } };
      },
    });
    const lines = await linesOf(async () => {
      expect(textOf(await client.call('all:get-sum', { a: 2, b: 3 }))).toContain('5');
    }, 1);
    expect(asked).toBe(1);
    expect(lines).toMatchObject([{ event: 'call', object: 'all:get-sum', decision: 'allow', outcome: 'result' }]);
  });

  it.each([
    ['declined', UNSURE],
    ['cannot be asked', {}],
  ])('deny it when the person %s', async (_why, answers) => {
    const client = await connect(answers);
    const lines = await linesOf(async () => {
      await expect(client.call('all:get-sum', { a: 2, b: 3 })).rejects.toThrow(
        // over HTTP, or on the stream that the question went out on
        /"code":"ACCESS_DENIED","rule":"confirm"|policy 'confirm'/,
      );
    }, 1);
    expect(lines).toMatchObject([
      { event: 'denied', object: 'all:get-sum', decision: 'deny', rule: 'policy:confirm', outcome: 'refused' },
    ]);
  });

  it('leave everything else as it is', async () => {
    const client = await connect(SURE);
    await linesOf(async () => {
      expect(textOf(await client.call('all:echo', { message: 'plain' }))).toBe('Echo: plain');
    }, 1);
    expect(await client.names('tools')).toContain('all:get-sum');
  });
});
