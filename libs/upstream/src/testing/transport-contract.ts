import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayError } from '#libs/kernel';
import type { Connection, UpstreamTarget, UpstreamTransport } from '#libs/plugin';
import { Conversation, type TargetSettings } from './conversation.js';

/** A peer (`peer/peer.ts`) that listens where the transport under test can reach it. */
export interface RunningPeer {
  target(settings?: TargetSettings): UpstreamTarget;
  /** Ends the peer's process, or whatever comes closest. */
  kill(connection: Connection): void | Promise<void>;
  /** What is left of connections: sockets, processes. Asked until it is 0. */
  leftovers(connection: Connection): number;
  stop(): Promise<void>;
}

export interface TransportHarness {
  readonly transport: UpstreamTransport;
  start(): Promise<RunningPeer>;
  /** A target nobody is at, and what its error must say. */
  readonly unreachable: { readonly target: UpstreamTarget; readonly says: RegExp };
  /** False where a reply is one message only (JSON over HTTP): no notifications or questions within a request. */
  readonly repliesStream?: boolean;
  /** Whether the wire can carry what is no message. */
  readonly garbage?: 'ignored' | 'fails the request' | 'impossible';
}

/** What every transport has to do, whatever it runs on. For authors of plug-ins too. */
export function describeUpstreamTransport(
  name: string,
  makeHarness: () => TransportHarness | Promise<TransportHarness>,
): void {
  describe(`the transport contract: ${name}`, () => {
    let harness: TransportHarness;
    let peer: RunningPeer;
    let open: { conversation: Conversation; target: UpstreamTarget }[];

    const connect = async (settings?: TargetSettings): Promise<Conversation> => {
      const target = peer.target(settings);
      const conversation = await Conversation.open(harness.transport, target);
      open.push({ conversation, target });
      return conversation;
    };

    beforeEach(async () => {
      harness = await makeHarness();
      peer = await harness.start();
      open = [];
    });

    afterEach(async () => {
      for (const { conversation, target } of open) {
        await conversation.connection.close();
        await harness.transport.release(target);
      }
      await peer.stop();
    });

    it('finds nothing wrong with a good target', () => {
      expect(harness.transport.validate(peer.target())).toEqual([]);
    });

    it('delivers the response of a request', async () => {
      const talk = await connect();
      const asked = talk.ask('echo', { text: 'grüße 😀', big: 2 ** 40 });
      expect((await asked.response).result).toEqual({ text: 'grüße 😀', big: 2 ** 40 });
      const there = talk.connection.attribution === 'request' ? asked.own : talk.shared;
      expect(there).toHaveLength(1);
    });

    it('delivers error responses as responses', async () => {
      const talk = await connect();
      expect((await talk.ask('unheard-of').response).error?.code).toBe(-32601);
    });

    it('takes messages with line breaks between their tokens', async () => {
      const talk = await connect();
      const text = '{\r\n  "jsonrpc": "2.0",\n  "id": ID,\n  "method": "echo",\n  "params": { "text": "a\\nb" }\n}\n';
      expect((await talk.ask('echo', {}, text).response).result).toEqual({ text: 'a\nb' });
    });

    it('carries 5 MB in each direction', async () => {
      const talk = await connect();
      const bytes = 5_000_000;
      expect(await talk.result('length', { text: 'y'.repeat(bytes) })).toEqual({ length: bytes });
      const { text } = await talk.result('big', { bytes });
      expect((text as string).length).toBe(bytes);
    });

    it('answers concurrent requests out of order', async () => {
      const talk = await connect();
      const first = talk.ask('hold', { key: 'a' });
      const others = await Promise.all([1, 2, 3].map((n) => talk.result('echo', { n })));
      expect(others).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
      await talk.result('release', { key: 'a' });
      expect((await first.response).result).toEqual({ released: 'a' });
    });

    it('keeps the notifications of a request before its response', async ({ skip }) => {
      if (harness.repliesStream === false) skip();
      const talk = await connect();
      const asked = talk.ask('notify', { count: 3 });
      await asked.response;
      const seen = talk.connection.attribution === 'request' ? asked.own : talk.shared;
      expect(seen.map((message) => message.params?.['step'])).toEqual([1, 2, 3, undefined]);
    });

    it('carries a question of the peer and the answer to it', async ({ skip }) => {
      if (harness.repliesStream === false) skip();
      const talk = await connect();
      const asked = talk.ask('ask', { what: 'name' });
      const place = talk.connection.attribution === 'request' ? asked.own : talk.shared;
      await talk.until(() => place.some((message) => message.method === 'test/question'));
      const question = place.find((message) => message.method === 'test/question');
      expect(question?.params).toEqual({ what: 'name' });
      await talk.post({ id: question?.id, result: { name: 'Ada' } });
      expect((await asked.response).result).toEqual({ result: { name: 'Ada' } });
    });

    it('carries notifications to the peer', async () => {
      const talk = await connect();
      await talk.post({ method: 'notifications/one' });
      await talk.post({ method: 'notifications/two' });
      expect(await talk.result('notes')).toEqual({ notified: 2 });
    });

    it('tells the listener what belongs to no request', async () => {
      const talk = await connect();
      talk.connection.listen();
      talk.connection.listen();
      await talk.result('announce', { news: 'tools changed' });
      await talk.until(() => talk.shared.some((message) => message.method === 'notifications/announced'));
      const announced = talk.shared.filter((message) => message.method === 'notifications/announced');
      expect(announced.map((message) => message.params)).toEqual([{ news: 'tools changed' }]);
    });

    it('delivers nothing to the sink of an abandoned request', async () => {
      const talk = await connect();
      const asked = talk.ask('hold', { key: 'left' });
      await talk.result('echo');
      asked.abandon();
      await talk.result('release', { key: 'left' });
      await talk.connection.close();
      expect(asked.own).toEqual([]);
      expect(asked.errors).toEqual([]);
    });

    it('fails open requests and then reports the end, once each, when the peer dies', async () => {
      const talk = await connect();
      talk.connection.listen();
      await talk.result('announce');
      await talk.until(() => talk.shared.some((message) => message.method === 'notifications/announced'));
      const asked = [talk.ask('silent'), talk.ask('silent')];
      await talk.result('echo');
      await peer.kill(talk.connection);
      await talk.until(() => talk.closed.length > 0);
      for (const { errors } of asked) {
        expect(errors).toHaveLength(1);
        expect(errors[0]).toBeInstanceOf(GatewayError);
        expect(errors[0]?.notExecuted).toBe(false);
        expect(errors[0]?.message).toContain('"subject"');
      }
      expect(talk.order).toEqual(['sink', 'sink', 'close']);
      expect(talk.closed[0]?.message).toContain('"subject"');
      const late = talk.ask('echo');
      await expect(late.response).rejects.toMatchObject({ notExecuted: true });
      await expect(talk.post({ method: 'notifications/late' })).rejects.toBeInstanceOf(GatewayError);
      expect(talk.closed).toHaveLength(1);
    });

    it('closes without a trace: open requests fail, the listener hears nothing, nothing is left', async () => {
      const talk = await connect();
      talk.connection.listen();
      await talk.result('echo');
      const asked = talk.ask('silent');
      await talk.connection.close();
      await talk.connection.close();
      await harness.transport.release((open[0] as { target: UpstreamTarget }).target);
      await expect(asked.response).rejects.toBeInstanceOf(GatewayError);
      expect(talk.closed).toEqual([]);
      await vi.waitFor(() => expect(peer.leftovers(talk.connection)).toBe(0), { timeout: 5_000 });
      await expect(talk.ask('echo').response).rejects.toMatchObject({ notExecuted: true });
    });

    it('brings what was posted before the end to the peer, and nothing after it', async () => {
      const talk = await connect();
      const asked = talk.ask('silent');
      await talk.result('echo');
      const last = talk.post({ method: 'notifications/last' });
      const closed = talk.connection.close();
      await expect(talk.post({ method: 'notifications/late' })).rejects.toBeInstanceOf(GatewayError);
      await last;
      await closed;
      await expect(asked.response).rejects.toBeInstanceOf(GatewayError);
    });

    it('keeps connections apart', async () => {
      const one = await connect();
      const other = await connect();
      await one.connection.close();
      expect(await other.result('echo', { still: 'here' })).toEqual({ still: 'here' });
    });

    it('says what is wrong when nobody is there', async () => {
      const { target, says } = harness.unreachable;
      const attempt = Conversation.open(harness.transport, target).then(async (talk) => {
        open.push({ conversation: talk, target });
        return await talk.ask('echo').response;
      });
      const error = await attempt.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(GatewayError);
      expect(error).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', notExecuted: true });
      expect((error as GatewayError).message).toContain(`"${target.name}"`);
      expect((error as GatewayError).message).toMatch(says);
    });

    it('survives what is no message', async ({ skip }) => {
      if (harness.garbage === 'impossible') skip();
      const talk = await connect();
      const asked = talk.ask('garbage');
      if (harness.garbage === 'fails the request') {
        await expect(asked.response).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
      } else {
        await asked.response;
        expect([...asked.own, ...talk.shared]).toHaveLength(1);
      }
      expect(await talk.result('echo', { n: 1 })).toEqual({ n: 1 });
    });

    it('refuses a message over the limit', async () => {
      const talk = await connect({ limits: { response: 64 * 1024, event: 64 * 1024 } });
      expect(await talk.result('big', { bytes: 1_000 })).toBeDefined();
      await expect(talk.ask('big', { bytes: 300_000 }).response).rejects.toMatchObject({ code: 'UPSTREAM_TOO_LARGE' });
    });
  });
}
