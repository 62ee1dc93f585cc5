import 'reflect-metadata';
import { Secret } from '#libs/kernel';
import { TextList } from '../fields/collections.js';
import { allowedHostFlaw, hostFlaw, httpUrlFlaw, networkFlaw, originFlaw, strengthFlaw } from '../fields/formats.js';
import { Count, Duration, Flag, SecretText, Size, Text } from '../fields/leaf.js';
import { Section } from '../fields/nested.js';

export class CorsConfig {
  @TextList({
    doc: "Browser origins that may call the gateway, exact. '*' is refused.",
    flaw: originFlaw,
    schema: { format: 'uri' },
  })
  allowed_origins: string[] = [];
}

/** What one client, one request and one process may cost. Sizes in bytes, durations in milliseconds. */
export class LimitsConfig {
  @Size({ doc: 'Largest request body; larger ones are answered 413.', min: '1KiB', max: '1GiB' })
  body = 4 * 1024 * 1024;

  @Count({ doc: 'Deepest nesting of a request.', min: 8, max: 1000 })
  json_depth = 64;

  @Count({ doc: 'Most values in one request.', min: 100, max: 10_000_000 })
  json_nodes = 100_000;

  @Count({ doc: 'Most header lines of a request; more are answered 431.', min: 10, max: 2000 })
  header_count = 100;

  @Size({
    doc: 'Most bytes of all headers of a request; more are answered 431. Needs a restart.',
    min: '4KiB',
    max: '1MiB',
  })
  header_size = 16 * 1024;

  @Size({ doc: 'Longest path and query of a request; longer ones are answered 414.', min: '256B', max: '64KiB' })
  url = 4 * 1024;

  @Duration({ doc: 'How long the headers of a request may take to arrive. Needs a restart.', min: '100ms', max: '10m' })
  headers_timeout = 10_000;

  @Duration({
    doc: 'How long a whole request may take to arrive; answers and streams may take longer. Needs a restart.',
    min: '100ms',
    max: '1h',
  })
  request_timeout = 30_000;

  @Duration({ doc: 'How long an unused connection is kept. Needs a restart.', min: '1s', max: '1h' })
  keep_alive = 72_000;

  @Count({
    doc: 'Requests on one connection, after which it is closed and the client opens another. Needs a restart.',
    min: 1,
    max: 1_000_000_000,
  })
  requests_per_connection = 1000;

  @Size({ doc: 'Longest access token.', min: '256B', max: '16KiB' })
  token = 8 * 1024;

  @Duration({ doc: 'How long a question to the client may stay unanswered.', min: '1s', max: '24h' })
  ask = 600_000;

  @Duration({
    doc: 'How long a call policy (a plug-in) may take for one judgement; longer is a denial.',
    min: '10ms',
    max: '10m',
  })
  policy = 10_000;

  @Size({ doc: 'Memory for ready-made lists.', min: '1MiB', max: '16GiB' })
  list_cache = 64 * 1024 * 1024;

  @Count({ doc: 'Most sessions of one principal.', min: 1, max: 1_000_000 })
  sessions_per_principal = 50;

  @Count({ doc: 'Most sessions this process remembers something of.', min: 1, max: 10_000_000 })
  sessions = 10_000;

  @Duration({
    doc: 'After how long without a request what is remembered of a session is forgotten; the session itself stays good.',
    min: '1m',
    max: '24h',
  })
  session_idle = 30 * 60_000;

  @Duration({ doc: 'How long a session id is good.', min: '1m', max: '720h' })
  session_lifetime = 24 * 3_600_000;

  @Count({ doc: 'Most open streams of one principal.', min: 1, max: 1_000_000 })
  streams_per_principal = 10;

  @Count({ doc: 'Most open streams in this process.', min: 1, max: 1_000_000 })
  streams = 1000;

  @Size({
    doc: 'What a slow client may leave unread on one stream: beyond it, messages on the stream of a call are left out and other streams are closed.',
    min: '16KiB',
    max: '1GiB',
  })
  stream_buffer = 1024 * 1024;

  @Count({ doc: 'Most parked calls in this process.', min: 0, max: 1_000_000 })
  parked_calls = 1000;

  @Count({ doc: 'Most parked calls of one principal.', min: 0, max: 1_000_000 })
  parked_per_principal = 20;

  @Count({
    doc: 'Requests per second without good credentials from one address; more are answered 429. 0: any number. This machine is exempt.',
    min: 0,
    max: 1_000_000,
  })
  unauthenticated_per_second = 20;

  @Count({
    doc: 'Refused credentials per minute from one address that have it blocked. 0: any number. This machine is exempt.',
    min: 0,
    max: 1_000_000,
  })
  auth_failures_per_minute = 10;

  @Duration({ doc: 'How long an address stays blocked.', min: '1s', max: '24h' })
  auth_block = 60_000;

  @Count({ doc: 'Most requests in flight in this process; more are answered 503.', min: 1, max: 1_000_000 })
  requests_in_flight = 10_000;

  @Size({
    doc: 'Most bytes that request bodies, and answers which clients have not read yet, may hold in memory; then new requests are answered 503.',
    min: '1MiB',
    max: '1024GiB',
  })
  bytes_in_flight = 512 * 1024 * 1024;

  @Duration({
    doc: 'Mean delay of the event loop beyond which new requests are answered 503. 0: any.',
    min: '0',
    max: '1h',
  })
  event_loop_delay = 1_000;
}

export class ShutdownConfig {
  @Duration({
    doc: 'After SIGTERM: time in which the gateway reports not ready and still does everything, so that balancers notice. Default: 5s, and 0 on a loopback listener.',
    nullable: true,
    min: '0',
    max: '10m',
  })
  drain: number | null = null;

  @Duration({ doc: 'Then: how long running calls may take to finish.', min: '0', max: '1h' })
  timeout = 60_000;
}

/** The front door. */
export class ServerConfig {
  @Text({
    doc: 'The public URL. Metadata, challenges, allowed hosts and client snippets derive from it.',
    flaw: (url) => httpUrlFlaw(url) ?? (new URL(url).search === '' ? undefined : 'must not have a query (?)'),
    schema: { format: 'uri-reference' },
  })
  url = 'http://localhost:8082';

  @Text({
    doc: 'Address to listen on. Beyond loopback without oauth and api_keys the gateway refuses to start, unless allow_anonymous is true. Needs a restart.',
    flaw: hostFlaw,
  })
  host = '127.0.0.1';

  @Count({ doc: 'Port to listen on; 0 takes a free one. Needs a restart.', min: 0, max: 65_535 })
  port = 8082;

  @Flag({ doc: 'Serve callers without credentials also beyond loopback.' })
  allow_anonymous = false;

  @Count({
    doc: 'How many processes you run behind one address. More than 1 needs a shared store, which is not available yet.',
    min: 1,
    max: 1000,
  })
  replicas = 1;

  @Section(() => CorsConfig, 'Cross-origin access from browsers.')
  cors = new CorsConfig();

  @TextList({
    doc: 'Host header values to accept besides the host of url.',
    flaw: allowedHostFlaw,
    normalise: (host) => host.toLowerCase(),
  })
  allowed_hosts: string[] = [];

  @TextList({
    doc: 'Addresses or networks whose X-Forwarded-For counts, for client addresses only.',
    flaw: networkFlaw,
  })
  trusted_proxies: string[] = [];

  @SecretText({
    doc: 'Seals session ids, so that they survive restarts and work on every process with the same key. At least 32 characters; random per process when unset. Needs a restart.',
    nullable: true,
    flaw: strengthFlaw,
  })
  session_key: Secret | null = null;

  @Section(() => LimitsConfig, 'What one client, one request and one process may cost.')
  limits = new LimitsConfig();

  @Section(() => ShutdownConfig, 'How the gateway stops.')
  shutdown = new ShutdownConfig();
}
