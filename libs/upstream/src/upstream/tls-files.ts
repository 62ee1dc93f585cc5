import { readFileSync, statSync } from 'node:fs';
import type { TlsConfig } from '#libs/config';
import { GatewayError, type Log, messageOf } from '#libs/kernel';
import type { TransportTls } from '#libs/plugin';

/** Milliseconds for which files are taken to be what they were. */
const TRUSTED = 1_000;
const KEYS = ['ca_file', 'cert_file', 'key_file'] as const;

/**
 * What stands in the TLS files of one upstream, read anew when they change. Sockets are opened seldom, and a look at three
 * files costs less than a handshake; between two of them nothing is watched.
 */
export class TlsFiles {
  #current: TransportTls;
  #stamp: string;
  #looked = performance.now();

  /** @throws GatewayError UPSTREAM_UNREACHABLE when a file cannot be read */
  constructor(
    private readonly server: string,
    private readonly config: TlsConfig,
    private readonly log: Log,
  ) {
    this.#stamp = this.#stampNow();
    this.#current = this.#read();
  }

  /** The same object while nothing changed. */
  get current(): TransportTls {
    const now = performance.now();
    if (now - this.#looked >= TRUSTED) {
      this.#looked = now;
      this.#look();
    }
    return this.#current;
  }

  #look(): void {
    try {
      const stamp = this.#stampNow();
      if (stamp === this.#stamp) return;
      this.#current = this.#read();
      this.#stamp = stamp;
      this.log.info({ upstream: this.server }, `${this.server}: the files of connection.tls were read again`);
    } catch (thrown) {
      // Perhaps they are being replaced this very moment.
      this.log.warn({ upstream: this.server }, `${messageOf(thrown)}; what was read before stays in use`);
    }
  }

  #stampNow(): string {
    return KEYS.map((key) => {
      const file = this.config[key];
      if (file === null) return '';
      const { ino, mtimeMs, size } = this.#attempt(key, () => statSync(file));
      return `${ino} ${mtimeMs} ${size}`;
    }).join();
  }

  #read(): TransportTls {
    const [ca, cert, key] = KEYS.map((name) => {
      const file = this.config[name];
      return file === null ? undefined : this.#attempt(name, () => readFileSync(file, 'utf8'));
    });
    return Object.freeze({
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      insecureSkipVerify: this.config.insecure_skip_verify,
    });
  }

  #attempt<T>(key: string, task: () => T): T {
    try {
      return task();
    } catch (thrown) {
      const { server } = this;
      const text = `${server}: connection.tls.${key} cannot be read (${messageOf(thrown)}); check the path and its permissions`;
      throw new GatewayError('UPSTREAM_UNREACHABLE', text, { data: { server }, cause: thrown, notExecuted: true });
    }
  }
}
