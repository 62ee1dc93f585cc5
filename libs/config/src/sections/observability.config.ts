import 'reflect-metadata';
import { Secret } from '#libs/kernel';
import { listenFlaw, strengthFlaw } from '../fields/formats.js';
import { Choice, Flag, SecretText, Text } from '../fields/leaf.js';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export class LogConfig {
  @Choice(LOG_LEVELS, { doc: 'Least severe messages to write.' })
  level: (typeof LOG_LEVELS)[number] = 'info';

  @Choice(['json', 'text'], { doc: 'json: one object per line. text: for people.' })
  format: 'json' | 'text' = 'json';
}

export class AuditConfig {
  @Text({
    doc: "off, stdout, or a file's path, relative to this file.",
    flaw: (to) => (to === '' ? 'must be off, stdout or a path' : undefined),
  })
  to = 'off';

  @Flag({ doc: 'Record the values of arguments too, not only their names and sizes.' })
  arguments = false;
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
}

export class TracingConfig {
  @Flag({ doc: 'Not available yet: OTLP through the standard OTEL_* variables.' })
  enabled = false;
}
