import { describe, expect, it } from 'vitest';
import { type Exchange, GatewayError, type Outcome, SILENT } from '#libs/kernel';
import { exchangeOf, RecordingSink } from '../../testing/callers.js';
import { type Received, ScriptedConnection } from '../../testing/scripted-connection.js';
import { ModernCodec } from './codec.js';
import { ModernWire } from './modern-wire.js';

type Attribution = 'request' | 'connection';

/** A wire, and the upstream's end of it. */
function wired(attribution: Attribution = 'connection') {
  const connection = new ScriptedConnection(attribution);
  const notified: [string, number | undefined][] = [];
  const wire = new ModernWire({
    server: 'lab',
    log: SILENT,
    codec: new ModernCodec({ server: 'lab', gatewayVersion: '1.2.3', version: '2026-07-28' }),
    cancelBy: attribution === 'request' ? 'stream' : 'notification',
    notified: ({ method }, subscription) => notified.push([method, subscription]),
    lost: () => {},
  });
  wire.attach(connection.attach(wire));
  return { connection, notified, wire };
}

function send(wire: ModernWire, connection: ScriptedConnection, exchange?: Exchange, logLevel?: string) {
  const sink = new RecordingSink();
  const caller = exchange && { exchange, sink, wantsProgress: true, solo: true, logLevel };
  const { outcome } = wire.send({
    method: 'tools/call',
    subject: 'tool echo',
    timeout: 5_000,
    maxTotal: 5_000,
    ...(caller && { caller }),
  });
  const came = outcome.then(
    (settled): Outcome | GatewayError => settled,
    (thrown: unknown) => thrown as GatewayError,
  );
  return { came, sink, request: connection.received.at(-1) as Received };
}

const isResult = { kind: 'result' };

describe('what a modern upstream says', () => {
  it('of no call is handed on with the listen request it names, by its stream or by its id', async () => {
    const shared = wired();
    const params = { _meta: { 'io.modelcontextprotocol/subscriptionId': 7 } };
    shared.connection.say({ method: 'notifications/tools/list_changed', params });
    shared.connection.say({ method: 'notifications/tools/list_changed' });
    const changed = 'notifications/tools/list_changed';
    expect(shared.notified).toEqual([
      [changed, 7],
      [changed, undefined],
    ]);
    const streams = wired('request');
    const { request } = send(streams.wire, streams.connection);
    streams.connection.say({ method: changed }, request);
    expect(streams.notified).toEqual([[changed, request.id]]);
    await streams.wire.close(new GatewayError('CANCELLED', 'done'));
  });

  it('as an error without an id belongs to the only call in flight, and to none of two', async () => {
    const { connection, wire } = wired();
    const first = send(wire, connection);
    const error = { code: -32700, message: 'what?' };
    connection.say({ id: null as never, error });
    expect(await first.came).toMatchObject({ kind: 'error', code: -32700 });
    const [second, third] = [send(wire, connection), send(wire, connection)];
    connection.say({ id: null as never, error });
    for (const { request } of [second, third]) connection.answer(request, {});
    expect(await Promise.all([second.came, third.came])).toMatchObject([isResult, isResult]);
  });

  it('that is no result fails its call and cancels it', async () => {
    const { connection, wire } = wired();
    const { came, request } = send(wire, connection);
    connection.say({ id: request.id, result: 'fine' });
    expect(await came).toMatchObject({ code: 'UPSTREAM_PROTOCOL', message: 'lab: the result is not an object' });
    expect(connection.posted).toMatchObject([{ method: 'notifications/cancelled', params: { requestId: request.id } }]);
  });

  it('that cannot be read fails the call on whose stream it came, and nobody else’s', async () => {
    const { connection, wire } = wired('request');
    const [one, other] = [send(wire, connection), send(wire, connection)];
    connection.say('{"jsonrpc":', one.request);
    expect(await one.came).toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
    connection.answer(other.request, {});
    expect(await other.came).toMatchObject(isResult);
  });

  it('as a log message reaches the caller who wants messages, from its level on', async () => {
    const { connection, wire } = wired();
    const log = (level: string) => connection.say({ method: 'notifications/message', params: { level, data: level } });
    const wanted = send(wire, connection, exchangeOf({}), 'warning');
    for (const level of ['info', 'warning', 'error']) log(level);
    connection.answer(wanted.request, {});
    await wanted.came;
    expect(wanted.sink.logs).toMatchObject([{ data: 'warning' }, { data: 'error' }]);
    const unwanted = send(wire, connection, exchangeOf({}));
    log('emergency');
    connection.answer(unwanted.request, {});
    await unwanted.came;
    expect(unwanted.sink.logs).toEqual([]);
  });

  it('cancels the gateway’s own requests, never a client’s call', async () => {
    const { connection, wire } = wired();
    const [own, callers] = [send(wire, connection), send(wire, connection, exchangeOf({}))];
    for (const { request } of [own, callers]) {
      connection.say({ method: 'notifications/cancelled', params: { requestId: request.id } });
    }
    expect(await own.came).toMatchObject({ code: 'UPSTREAM_DISCONNECTED' });
    connection.answer(callers.request, {});
    expect(await callers.came).toMatchObject(isResult);
  });

  it('as a request of its own is refused where that can be told', () => {
    const shared = wired();
    shared.connection.say({ id: 'q', method: 'roots/list' });
    expect(shared.connection.posted).toMatchObject([{ id: 'q', error: { code: -32601 } }]);
    const streams = wired('request');
    streams.connection.say({ id: 'q', method: 'roots/list' });
    expect(streams.connection.posted).toEqual([]);
  });
});
