import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GENERATIONS, textOf } from '../support/clients.js';
import { type Gateway, listed, spawnGateway } from '../support/gateway.js';
import { http, startRich, startRichModern } from '../support/upstreams.js';
import { Cleanup } from '../support/wait.js';

/** What clients put up with without progress, and longer than that: how long the tool is silent. */
const PATIENCE = 3_000;
const SILENCE = 5_000;

const servers = new Cleanup();
let patient: Gateway;
let silent: Gateway;

beforeAll(async () => {
  const [legacy, modern] = [servers.add(await startRich()), servers.add(await startRichModern())];
  const list = [http('legacy', legacy.url), http('modern', modern.url)];
  patient = servers.add(await spawnGateway({ servers: list, proxy: { progress_heartbeat: '200ms' } }));
  silent = servers.add(await spawnGateway({ servers: list, proxy: { progress_heartbeat: 0 } }));
  await Promise.all([listed(patient, 'legacy', 'modern'), listed(silent, 'legacy', 'modern')]);
});
afterAll(() => servers.close());

describe.each(Object.entries(GENERATIONS))('%s, whose patience starts anew with each progress', (name, { connect }) => {
  const slow = async (gateway: Gateway, upstream: string) => {
    const client = await connect(gateway.mcp());
    const heard: { progress: number; message?: string }[] = [];
    const options = {
      onprogress: (progress: { progress: number; message?: string }) => heard.push(progress),
      timeout: PATIENCE,
      resetTimeoutOnProgress: true,
    };
    const label = `${name} ${upstream}`;
    try {
      return { heard, text: textOf(await client.call(`${upstream}:slow`, { label, ms: SILENCE }, options)) };
    } finally {
      await client.close();
    }
  };

  it('waits for a silent tool of either era as long as it takes', async () => {
    const [legacy, modern] = await Promise.all([slow(patient, 'legacy'), slow(patient, 'modern')]);
    for (const [upstream, { heard, text }] of Object.entries({ legacy, modern })) {
      expect(text).toBe(`${name} ${upstream} took its time`);
      expect(heard.length).toBeGreaterThan(1);
      expect(heard[0]?.message).toMatch(new RegExp(`^waiting for ${upstream}:slow \\(\\d+ s\\)$`));
      const values = heard.map(({ progress }) => progress);
      expect(values).toEqual([...values].sort((a, b) => a - b));
      expect(new Set(values).size).toBe(values.length);
    }
  });

  it('loses patience where there are no signs of life', async () => {
    await expect(slow(silent, 'legacy')).rejects.toThrow(/timed out/i);
  });
});
