import 'reflect-metadata';
import { Entries, TextList } from '../fields/collections.js';
import { AcceptsExtra } from '../fields/field.js';
import { descriptionFlaw, forwardedHeaderFlaw, globFlaw, httpUrlFlaw, nameFlaw } from '../fields/formats.js';
import { Choice, Count, Duration, Flag, Size, Text } from '../fields/leaf.js';
import { Section, SectionMap, Variant } from '../fields/nested.js';
import { CREDENTIALS, NoCredentialConfig, PluginCredentialConfig } from './credentials.config.js';

/** Transports that come with the gateway; any other type is a plug-in's. */
export const BUILT_IN_TRANSPORTS: ReadonlySet<string> = new Set(['streamable-http', 'sse', 'stdio', 'in-process']);

export class ConnectionLimitsConfig {
  @Size({ doc: 'Largest JSON answer or stdio line.', min: '1KiB', max: '1GiB' })
  response = 64 * 1024 * 1024;

  @Size({ doc: 'Largest single SSE event.', min: '1KiB', max: '1GiB' })
  event = 64 * 1024 * 1024;

  @Size({
    doc: 'Most bytes of one event stream. Beyond it a call fails, and a stream that stands for itself is opened anew.',
    min: '1KiB',
    max: '1024GiB',
  })
  stream = 100 * 1024 * 1024;

  @Duration({
    doc: 'How long one event stream may stay open. Then a call fails, and a stream that stands for itself is opened anew.',
    min: '100ms',
    max: '168h',
  })
  stream_lifetime = 3_600_000;
}

export class TlsConfig {
  @Text({ doc: "Certificate authorities to trust instead of the system's (PEM file).", nullable: true })
  ca_file: string | null = null;

  @Text({ doc: 'Client certificate (PEM file).', nullable: true })
  cert_file: string | null = null;

  @Text({ doc: 'Its key (PEM file).', nullable: true })
  key_file: string | null = null;

  @Flag({ doc: "Do not verify the upstream's certificate. Never in production." })
  insecure_skip_verify = false;
}

/** How to reach one upstream. A plug-in's transport may take further keys; they stay as they are in the file. */
@AcceptsExtra(
  (_key, _own, upstream) => typeof upstream['type'] === 'string' && !BUILT_IN_TRANSPORTS.has(upstream['type']),
  { seal: false },
)
export class ConnectionConfig {
  @Text({
    doc: 'Endpoint of an HTTP transport. Required there.',
    optional: true,
    flaw: httpUrlFlaw,
    schema: { format: 'uri-reference' },
  })
  url?: string;

  @Duration({
    doc: 'How long opening a socket may take, TLS included.',
    min: '10ms',
    max: '10m',
  })
  connect_timeout = 5_000;

  @Duration({
    doc: 'How long an upstream may take to be ready: opening a socket or starting a child process, then initialize or server/discover.',
    min: '10ms',
    max: '1h',
  })
  start_timeout = 30_000;

  @Duration({
    doc: 'Longest silence of one call; progress starts it anew, an open question stops it.',
    min: '1ms',
    max: '24h',
  })
  timeout = 30_000;

  @Duration({ doc: 'Longest duration of one call, open questions not counted.', min: '1ms', max: '168h' })
  max_total = 900_000;

  @Choice(['idempotent', 'never'], {
    doc: 'Whether a call that may have run is sent once more after its connection broke: where running it twice does no harm (reads, and tools with readOnlyHint or idempotentHint), or never.',
  })
  replay: 'idempotent' | 'never' = 'idempotent';

  @Count({ doc: 'Most sockets, sessions or child processes to this upstream.', min: 1, max: 10_000 })
  pool = 32;

  @Count({
    doc: 'Most requests to this upstream at a time, those that wait for a socket or a session included; more are refused at once.',
    min: 1,
    max: 1_000_000,
  })
  concurrency = 1_000;

  @Duration({
    doc: 'How long a session or child process of callers is kept while nobody uses it; the next call opens another.',
    min: '10ms',
    max: '168h',
  })
  idle = 600_000;

  @Flag({
    doc: 'stdio: after the idle time stop the service child, too, which lists and hears of changes. Lists stay, the next call starts it.',
  })
  idle_service = false;

  @Section(() => ConnectionLimitsConfig, 'What an answer may weigh.')
  limits = new ConnectionLimitsConfig();

  @Section(() => TlsConfig, 'TLS towards an HTTP upstream.')
  tls = new TlsConfig();

  @Text({
    doc: 'stdio: the program to run. No shell. Required there.',
    optional: true,
    flaw: (text) => (text.trim() === '' ? 'must not be empty' : undefined),
  })
  command?: string;

  @TextList({ doc: 'stdio: its arguments.', unique: false })
  args: string[] = [];

  @Entries({
    doc: 'stdio: its environment; only this, PATH and HOME reach the child.',
    keyFlaw: (name) => (/^[^=\p{Cc}]+$/u.test(name) ? undefined : 'must be the name of an environment variable'),
    valueFlaws: (value) =>
      typeof value !== 'string'
        ? 'must be text: put quotes around it'
        : value.includes('\0')
          ? 'must not contain a NUL character'
          : undefined,
    valueSchema: { type: 'string' },
  })
  env: Record<string, string> = {};

  @Text({ doc: 'stdio: the folder to run in.', nullable: true })
  cwd: string | null = null;

  @Text({ doc: "in-process: name of the server; default: the upstream's own name.", optional: true })
  server?: string;

  [key: string]: unknown;
}

/** What clients see of one tool. Everything else about it goes by its own name: permissions, limits, metrics, audit. */
export class ToolOverrideConfig {
  @Text({
    doc: 'What clients see instead of its own name, behind the prefix where there is one. The canonical name stays good for calls.',
    optional: true,
    pattern: /^[A-Za-z0-9_.-]{1,128}$/,
    says: 'must be 1 to 128 of letters, digits, "_", "." and "-": what every client takes',
  })
  name?: string;

  @Text({
    doc: 'What clients and models read instead of its own description.',
    optional: true,
    max: 8192,
    flaw: descriptionFlaw,
  })
  description?: string;
}

export class ToolSelectionConfig {
  @TextList({ doc: "Tools to offer, by the upstream's own names; * matches anything.", flaw: globFlaw })
  include: string[] = ['*'];

  @TextList({ doc: 'Tools to leave out, after include.', flaw: globFlaw })
  exclude: string[] = [];

  @SectionMap(() => ToolOverrideConfig, {
    doc: "What clients see of single tools, by the upstream's own names.",
    keyFlaw: (own) => (own === '' ? 'must not be empty' : undefined),
  })
  overrides: Record<string, ToolOverrideConfig> = {};
}

/** One MCP server behind the gateway. */
export class UpstreamConfig {
  @Text({
    doc: 'Its name: the prefix of its tools, the path of its endpoint, the label of its metrics.',
    required: true,
    flaw: nameFlaw,
    schema: { pattern: '^[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?$' },
  })
  name!: string;

  @Text({
    doc: "streamable-http, sse, stdio, in-process, or the name of a plug-in's transport.",
    required: true,
    pattern: /^[a-z][a-z0-9_-]{0,63}$/,
    says: "must be a transport's name in lower case",
  })
  type!: string;

  @Section(() => ConnectionConfig, 'How to reach it.')
  connection = new ConnectionConfig();

  @Variant(
    () => CREDENTIALS,
    () => PluginCredentialConfig,
    'How the gateway proves itself to it.',
  )
  auth: Record<string, unknown> & { type: string } = new NoCredentialConfig();

  @TextList({
    doc: "Headers of the client's request to pass on; none by default.",
    flaw: forwardedHeaderFlaw,
    normalise: (name) => name.toLowerCase(),
  })
  forward_headers: string[] = [];

  @Choice(['auto', 'legacy', 'modern'], { doc: 'Which era of MCP to speak with it.' })
  protocol: 'auto' | 'legacy' | 'modern' = 'auto';

  @Choice(['auto', 'none', 'user', 'session'], { doc: 'Who may share one session with it.' })
  state: 'auto' | 'none' | 'user' | 'session' = 'auto';

  @Flag({ doc: '/ready fails while it is down.' })
  required = false;

  @Flag({ doc: 'false: it is not contacted and offers nothing.' })
  enabled = true;

  @Text({
    doc: 'What clients see instead of the name. Permissions, metrics and logs keep using the name.',
    nullable: true,
    flaw: nameFlaw,
  })
  prefix: string | null = null;

  @Section(() => ToolSelectionConfig, 'Which of its tools to offer.')
  tools = new ToolSelectionConfig();
}
