import { afterEach, describe, expect, it } from 'vitest';
import { Secret } from '#libs/kernel';
import { TestClient } from './testing/client.js';
import { result } from './testing/fake-proxy.js';
import { Gate } from './testing/gate.js';
import { TestGateway } from './testing/gateway.js';

const open: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

async function start(): Promise<TestGateway> {
  const gateway = await TestGateway.start({
    server: (config) => {
      config.session_key = new Secret('the key of all processes');
    },
  });
  gateway.proxy.handlers.set('elsewhere', ({ session }) => result({ elsewhere: session?.elsewhere }));
  open.push(gateway);
  return gateway;
}

const elsewhere = async (client: TestClient) => (await client.request('elsewhere')).json.result.elsewhere;

describe('two processes with one session key', () => {
  it('know which of them holds what changes in a session', async () => {
    const [a, b] = [await start(), await start()];
    const client = await TestClient.open(a.url);
    expect(await elsewhere(client)).toBe(false);
    expect(await elsewhere(client.at(b.url))).toBe(true);
  });

  it('take over the sessions of one that was there before', async () => {
    const a = await start();
    const client = await TestClient.open(a.url);
    await a.close();
    const restarted = await start();
    expect(await elsewhere(client.at(restarted.url))).toBe(false);
    expect((await client.at(restarted.url).send({ method: 'DELETE' })).status).toBe(204);
  });

  it('refuse at once what only the other one can do', async () => {
    const [a, b] = [await start(), await start()];
    const asked = new Gate();
    a.proxy.handlers.set('ask', async (exchange) => {
      const { answer } = exchange.ask({ method: 'roots/list', server: 's' });
      asked.open();
      return answer;
    });
    const client = await TestClient.open(a.url);
    const stream = await client.stream('ask', undefined, 'asking');
    await asked.opened;
    const { id } = await stream.next();
    for (const refused of [
      await client.at(b.url).respond(id, { roots: [] }),
      await client.at(b.url).notify('notifications/cancelled', { requestId: 'asking' }),
      await client.at(b.url).send({ method: 'DELETE' }),
    ]) {
      expect(refused.status).toBe(409);
      expect(refused.json.error.data.code).toBe('REPLICA_STATE');
    }
    expect((await client.respond(id, { roots: [] })).status).toBe(202);
    expect((await stream.next()).result).toEqual({ roots: [] });
  });
});
