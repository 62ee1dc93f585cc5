import 'reflect-metadata';
import { Secret } from '#libs/kernel';
import { listenFlaw, strengthFlaw } from '../fields/formats.js';
import { Choice, Count, Flag, SecretText, Size, Text } from '../fields/leaf.js';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export class LogConfig {
  @Choice(LOG_LEVELS, { doc: 'Least severe messages to write.' })
  level: (typeof LOG_LEVELS)[number] = 'info';

  @Choice(['json', 'text'], { doc: 'json: one object per line. text: for people.' })
  format: 'json' | 'text' = 'json';

  @Size({ doc: 'Longest line; longer ones are cut. Needs a restart.', min: '2KiB', max: '16MiB' })
  max_line = 16 * 1024;
}

export class AuditConfig {
  @Text({
    doc: "off, stdout, or a file's path, relative to this file.",
    flaw: (to) => (to === '' ? 'must be off, stdout or a path' : undefined),
  })
  to = 'off';

  @Flag({ doc: 'Record the values of arguments too, not only their names and sizes.' })
  arguments = false;

  @Size({ doc: 'Longest line; what is cut are values of arguments.', min: '16KiB', max: '16MiB' })
  max_line = 16 * 1024;
}

const OWN_PATHS = /^\/(?:mcp|live|ready|\.well-known|admin)(?:\/|$)/;

export class MetricsConfig {
  @Flag({ doc: 'Serve Prometheus metrics.' })
  enabled = true;

  @Text({
    doc: 'Where.',
    pattern: /^(?:\/[A-Za-z0-9._~-]+)+$/,
    says: 'must be a path like /metrics',
    flaw: (path) => (OWN_PATHS.test(path) ? "is one of the gateway's own paths" : undefined),
  })
  path = '/metrics';

  @SecretText({
    doc: 'Bearer token that a scraper must send. At least 32 characters.',
    nullable: true,
    flaw: strengthFlaw,
  })
  token: Secret | null = null;

  @Text({ doc: "An address of its own (host:port) instead of the gateway's.", nullable: true, flaw: listenFlaw })
  listen: string | null = null;

  @Count({
    doc: 'Most series of one metric; what lies beyond is counted as other. Needs a restart.',
    min: 100,
    max: 1_000_000,
  })
  max_series = 5000;
}

export class TracingConfig {
  @Flag({ doc: 'Not available yet: OTLP through the standard OTEL_* variables.' })
  enabled = false;
}
