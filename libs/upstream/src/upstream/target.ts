import type { UpstreamConfig } from '#libs/config';
import { type Log, Secret } from '#libs/kernel';
import type { UpstreamTarget } from '#libs/plugin';
import { TlsFiles } from './tls-files.js';

/**
 * What a transport is told about one configured server.
 * @throws GatewayError UPSTREAM_UNREACHABLE when a TLS file cannot be read
 */
export function toTarget(config: UpstreamConfig, log: Log): UpstreamTarget {
  const { tls } = config.connection;
  const files = tls.ca_file ?? tls.cert_file ?? tls.key_file;
  if (files === null) return describeTarget(config, log);
  const material = new TlsFiles(config.name, tls, log);
  const target = Object.defineProperties(
    {},
    {
      ...Object.getOwnPropertyDescriptors(describeTarget(config, log)),
      tls: { enumerable: true, get: () => material.current },
    },
  ) as UpstreamTarget;
  return Object.freeze(target);
}

/** The same without what stands in files: enough to judge settings by. */
export function describeTarget(config: UpstreamConfig, log: Log): UpstreamTarget {
  const { connection, name } = config;
  const { response, event, stream, stream_lifetime: streamLifetime } = connection.limits;
  return Object.freeze({
    name,
    type: config.type,
    ...(connection.url === undefined ? {} : { url: connection.url }),
    pool: connection.pool,
    limits: { response, event, stream, streamLifetime },
    tls: { insecureSkipVerify: connection.tls.insecure_skip_verify },
    ...(connection.command === undefined ? {} : { command: connection.command }),
    args: connection.args,
    env: revealed(connection.env),
    ...(connection.cwd == null ? {} : { cwd: connection.cwd }),
    connectTimeout: connection.connect_timeout,
    startTimeout: connection.start_timeout,
    options: connection,
    log,
  });
}

function revealed(env: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value instanceof Secret ? value.reveal() : String(value)]),
  );
}
