import { readFile } from 'node:fs/promises';
import type { UpstreamConfig } from '#libs/config';
import { GatewayError, type Log, messageOf, Secret } from '#libs/kernel';
import type { TransportTls, UpstreamTarget } from '#libs/plugin';
import { CONNECT_TIMEOUT } from './settings.js';

/**
 * What a transport is told about one configured server.
 * @throws GatewayError UPSTREAM_UNREACHABLE when a TLS file cannot be read
 */
export async function toTarget(config: UpstreamConfig, log: Log): Promise<UpstreamTarget> {
  const { name } = config;
  const { tls } = config.connection;
  const [ca, cert, key] = await Promise.all([
    readTls(name, 'ca_file', tls.ca_file),
    readTls(name, 'cert_file', tls.cert_file),
    readTls(name, 'key_file', tls.key_file),
  ]);
  const material = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  return describeTarget(config, log, material);
}

/** The same without what stands in files: enough to judge settings by. */
export function describeTarget(
  config: UpstreamConfig,
  log: Log,
  material: Omit<TransportTls, 'insecureSkipVerify'> = {},
): UpstreamTarget {
  const { connection, name } = config;
  return Object.freeze({
    name,
    type: config.type,
    ...(connection.url === undefined ? {} : { url: connection.url }),
    pool: connection.pool,
    limits: { response: connection.limits.response, event: connection.limits.event },
    tls: { ...material, insecureSkipVerify: connection.tls.insecure_skip_verify },
    ...(connection.command === undefined ? {} : { command: connection.command }),
    args: connection.args,
    env: revealed(connection.env),
    ...(connection.cwd == null ? {} : { cwd: connection.cwd }),
    connectTimeout: CONNECT_TIMEOUT,
    options: connection,
    log,
  });
}

async function readTls(server: string, key: string, file: string | null): Promise<string | undefined> {
  if (file === null || file === undefined) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    const text = `${server}: connection.tls.${key} cannot be read (${messageOf(thrown)}); check the path and its permissions`;
    throw new GatewayError('UPSTREAM_UNREACHABLE', text, { data: { server }, cause: thrown, notExecuted: true });
  }
}

function revealed(env: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value instanceof Secret ? value.reveal() : String(value)]),
  );
}
