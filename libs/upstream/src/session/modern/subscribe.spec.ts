import { describe, expect, it } from 'vitest';
import { Draft } from '#libs/mcp';
import { jsonOf } from '../../testing/callers.js';
import { Deadline } from '../deadline.js';
import type { SessionRequest } from '../upstream-session.js';
import { subscribe, unsubscribe } from './subscribe.js';

const URI = 'file:///a';

function requestOf(more: Partial<SessionRequest> = {}): SessionRequest {
  const params = Draft.of(Buffer.from(JSON.stringify({ uri: URI })));
  const subject = `resource ${URI}`;
  return { method: 'resources/subscribe', params, subject, timeout: 60_000, maxTotal: 60_000, ...more };
}

/** Watches as it is told to. */
function watching(answer: () => Promise<boolean>) {
  const watched = new Set<string>();
  return {
    watched,
    watch: (uri: string) => {
      watched.add(uri);
      return answer();
    },
    unwatch: (uri: string) => void watched.delete(uri),
  };
}

describe('subscribing to a resource of a modern upstream', () => {
  it('is done once the resource is watched, until that is not wanted any more', async () => {
    const resources = watching(async () => true);
    expect(jsonOf(await subscribe('lab', resources, requestOf()))).toEqual({});
    expect([...resources.watched]).toEqual([URI]);
    expect(jsonOf(unsubscribe(resources, requestOf()))).toEqual({});
    expect([...resources.watched]).toEqual([]);
  });

  it('is answered with an error when the upstream does not tell of its updates', async () => {
    const outcome = await subscribe(
      'lab',
      watching(async () => false),
      requestOf(),
    );
    expect(outcome).toMatchObject({ kind: 'error', code: -32601 });
    expect(jsonOf(outcome)).toEqual({ code: -32601, message: 'lab does not tell of updates of this resource' });
  });

  it('fails at the nearer of its limits, and leaves nothing watched', async () => {
    const resources = watching(() => new Promise(() => {}));
    await expect(subscribe('lab', resources, requestOf({ timeout: 1 }))).rejects.toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      message: `lab did not acknowledge resource ${URI} within 1 ms (connection.timeout)`,
      notExecuted: false,
    });
    expect([...resources.watched]).toEqual([]);
    const spent = requestOf({ deadline: new Deadline(2_000, 2_000) });
    await expect(subscribe('lab', resources, spent)).rejects.toMatchObject({
      message: `lab did not acknowledge resource ${URI} within 2 s (connection.max_total)`,
    });
  });

  it('that breaks leaves nothing watched', async () => {
    const broke = new Error('broke');
    const resources = watching(() => Promise.reject(broke));
    await expect(subscribe('lab', resources, requestOf())).rejects.toBe(broke);
    expect([...resources.watched]).toEqual([]);
  });
});
