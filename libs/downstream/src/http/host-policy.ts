import type { ServerConfig } from '#libs/config';
import { isLoopbackHost } from '#libs/kernel';

const AUTHORITY = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/;
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
const LOOPBACK_ORIGIN = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/;

/** Which hosts and origins may talk to this gateway. Compiled from the configuration once per change. */
export class HostPolicy {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  readonly #loopback: boolean;
  /** The last one that was good, to the letter: clients say the same with every request. */
  #good: string | undefined;

  constructor(config: Pick<ServerConfig, 'url' | 'host' | 'allowed_hosts' | 'cors'>) {
    this.#loopback = isLoopbackHost(config.host);
    const hosts = [new URL(config.url).hostname, ...config.allowed_hosts.map(hostOfEntry)];
    if (this.#loopback) hosts.push(...LOOPBACK_NAMES, bracketed(config.host));
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()));
    this.#origins = new Set(config.cors.allowed_origins);
  }

  /** `authority` is the value of a Host header. Ports do not matter: the port was already found. */
  allowsHost(authority: string): boolean {
    if (authority === this.#good) return true;
    const host = AUTHORITY.exec(authority.toLowerCase())?.[1];
    if (host === undefined || !this.#hosts.has(host)) return false;
    this.#good = authority;
    return true;
  }

  allowsOrigin(origin: string): boolean {
    return this.#origins.has(origin) || (this.#loopback && LOOPBACK_ORIGIN.test(origin));
  }

  /** Whether pages of this origin may read answers. Only what the configuration names. */
  sharesWith(origin: string): boolean {
    return this.#origins.has(origin);
  }
}

/** An entry of `allowed_hosts` may carry a port; it is not compared. */
function hostOfEntry(entry: string): string {
  return AUTHORITY.exec(entry.toLowerCase())?.[1] ?? bracketed(entry);
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
