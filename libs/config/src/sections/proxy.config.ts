import 'reflect-metadata';
import { TextList } from '../fields/collections.js';
import { egressEntryFlaw, globFlaw, nameFlaw, objectPatternFlaw } from '../fields/formats.js';
import { Choice, Count, Duration, Flag, Size, Text } from '../fields/leaf.js';
import { Section, SectionList, SectionMap } from '../fields/nested.js';
import { UpstreamConfig } from './upstream.config.js';

const SEPARATOR = {
  pattern: /^[A-Za-z0-9_.:/-]{1,8}$/,
  says: 'must be 1 to 8 of letters, digits, "_", ".", ":", "/" and "-"',
};

export class NamingConfig {
  @Text({
    doc: 'Between server and tool in names clients see. "__" for hosts whose model API rejects ":". "server:tool" is always accepted on input.',
    ...SEPARATOR,
  })
  separator = ':';

  @Count({ doc: 'Longest name a client sees; longer ones are shortened deterministically.', min: 32, max: 1024 })
  max_length = 128;
}

export class DiscoveryConfig {
  @Duration({
    doc: 'How often upstreams are asked again for their lists, besides their own change notifications.',
    min: '100ms',
    max: '24h',
  })
  interval = 60_000;

  @Count({ doc: 'Most entries of one list of one upstream; further ones are left out.', min: 1, max: 1_000_000 })
  items = 10_000;

  @Count({ doc: 'Most pages of one list.', min: 1, max: 10_000 })
  pages = 100;

  @Size({ doc: 'Most bytes of one list.', min: '64KiB', max: '1GiB' })
  size = 32 * 1024 * 1024;

  @Size({ doc: 'Largest entry; larger ones are left out.', min: '1KiB', max: '64MiB' })
  item = 1024 * 1024;

  @Size({ doc: 'Largest schema of a tool; tools with larger ones are left out.', min: '1KiB', max: '64MiB' })
  schema = 256 * 1024;

  @Size({ doc: 'Longest description; longer ones are cut.', min: '64B', max: '16MiB' })
  description = 8 * 1024;
}

export class HeartbeatConfig {
  @Flag({ doc: 'Ping idle upstreams.' })
  enabled = true;

  @Duration({ doc: 'How often.', min: '100ms', max: '1h' })
  interval = 10_000;

  @Duration({ doc: 'How long an answer may take.', min: '10ms', max: '10m' })
  timeout = 5_000;

  @Count({ doc: 'Missed answers in a row until the upstream counts as down.', min: 1, max: 100 })
  failures = 3;
}

export class RetryConfig {
  @Duration({ doc: 'Wait before the first reconnection.', min: '1ms', max: '1h' })
  initial = 500;

  @Duration({ doc: 'Longest wait between reconnections, which go on for ever.', min: '1ms', max: '24h' })
  max = 60_000;

  @Count({ doc: 'Growth of the wait.', min: 1, max: 10, fraction: true })
  multiplier = 2;
}

/** Calls may fail although an upstream's session answers: then it is left alone until it has proven itself. */
export class BreakerConfig {
  @Flag({ doc: 'Hold calls back from an upstream whose calls keep breaking off or timing out.' })
  enabled = true;

  @Count({ doc: 'How many of the latest calls are looked at.', min: 1, max: 10_000 })
  calls = 20;

  @Count({ doc: 'How many calls there have to be before any judgement.', min: 1, max: 10_000 })
  minimum = 10;

  @Count({ doc: 'Calls are held back when more than this part of them failed.', min: 0.01, max: 0.99, fraction: true })
  share = 0.8;

  @Duration({ doc: 'Failures are forgotten when none followed for this long.', min: '1s', max: '24h' })
  window = 120_000;

  @Duration({
    doc: 'Wait before the upstream is first probed; grows with proxy.retry.multiplier up to proxy.retry.max.',
    min: '1ms',
    max: '1h',
  })
  wait = 5_000;
}

export class EgressConfig {
  @Flag({ doc: 'URLs of this file (upstreams, token endpoints, identity providers) may lead to private addresses.' })
  allow_private = true;

  @TextList({
    doc: 'Hosts, *.hosts, addresses or networks that are never contacted.',
    flaw: egressEntryFlaw,
  })
  deny: string[] = [];
}

/** A named selection across upstreams, at /mcp/<name>. */
export class ToolsetConfig {
  @TextList({ doc: 'Patterns server:tool.', flaw: objectPatternFlaw })
  include: string[] = [];

  @TextList({ doc: 'Patterns server:tool, after include.', flaw: objectPatternFlaw })
  exclude: string[] = [];
}

/** What a client of a certain name gets differently. */
export class ClientProfileConfig {
  @Text({ doc: 'As proxy.naming.separator.', optional: true, ...SEPARATOR })
  separator?: string;

  @Count({ doc: 'As proxy.naming.max_length.', optional: true, min: 32, max: 1024 })
  max_length?: number;

  @TextList({
    doc: 'Deviations from the protocol to put up with, instead of those known of the client; [] for none. Known: version-header-mismatch.',
    optional: true,
    pattern: /^[a-z][a-z0-9_-]{0,63}$/,
    says: "must be a deviation's name in lower case",
  })
  tolerate?: string[];
}

/** The upstreams and how they are presented. */
export class ProxyConfig {
  @Section(() => NamingConfig, 'How names are spelled for clients.')
  naming = new NamingConfig();

  @Section(() => DiscoveryConfig, 'How upstream lists stay current.')
  discovery = new DiscoveryConfig();

  @Section(() => HeartbeatConfig, 'How a dead upstream is noticed.')
  heartbeat = new HeartbeatConfig();

  @Section(() => RetryConfig, 'How a lost upstream is tried again.')
  retry = new RetryConfig();

  @Section(() => BreakerConfig, 'When calls are held back from an upstream that does not answer them.')
  breaker = new BreakerConfig();

  @Duration({ doc: "How long a down upstream's tools stay listed.", min: '0', max: '168h' })
  grace = 300_000;

  @Duration({
    doc: 'Longest silence towards a client that asked for progress: then it gets a sign of life, so that its own clock does not run out; 0 for none.',
    min: '0',
    max: '1h',
  })
  progress_heartbeat = 10_000;

  @Count({
    doc: 'Most child processes of all stdio upstreams together. At the limit the one unused for longest makes room.',
    min: 1,
    max: 100_000,
  })
  max_children = 256;

  @Choice(['on', 'off'], {
    doc: "Hold a legacy upstream's call while a modern client answers its question.",
    aliases: { true: 'on', false: 'off' },
  })
  parking: 'on' | 'off' = 'on';

  @Section(() => EgressConfig, 'Where configured upstream URLs may lead.')
  egress = new EgressConfig();

  @SectionList(() => UpstreamConfig, 'The MCP servers behind the gateway.')
  servers: UpstreamConfig[] = [];

  @SectionMap(() => ToolsetConfig, {
    doc: 'Selections across upstreams, each at /mcp/<name>. They share names with servers.',
    keyFlaw: nameFlaw,
  })
  toolsets: Record<string, ToolsetConfig> = {};

  @SectionMap(() => ClientProfileConfig, {
    doc: 'Client profiles, by a pattern of clientInfo.name.',
    keyFlaw: globFlaw,
  })
  clients: Record<string, ClientProfileConfig> = {};
}
