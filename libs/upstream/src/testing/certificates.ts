import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A key and a certificate, PEM. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** A certificate authority of a test's own. Undefined where openssl is not installed. */
export class TestAuthority {
  readonly #dir: string;
  readonly cert: string;
  #count = 0;

  private constructor(dir: string) {
    this.#dir = dir;
    this.#openssl('req', '-x509', ...EC, '-days', '2', '-subj', '/CN=Test CA', '-keyout', 'ca.key', '-out', 'ca.pem');
    this.cert = this.#file('ca.pem');
  }

  static create(): TestAuthority | undefined {
    const dir = mkdtempSync(join(tmpdir(), 'tls-'));
    try {
      return new TestAuthority(dir);
    } catch {
      rmSync(dir, { recursive: true, force: true });
      return undefined;
    }
  }

  /** A certificate of this authority; `days` below 0 for one that has expired. */
  issue(name: string, days = 2): Identity {
    const base = `c${++this.#count}`;
    const [key, request, cert, extensions] = [`${base}.key`, `${base}.csr`, `${base}.pem`, `${base}.ext`];
    writeFileSync(join(this.#dir, extensions), `subjectAltName=DNS:${name}\n`);
    this.#openssl('req', ...EC, '-subj', `/CN=${name}`, '-keyout', key, '-out', request);
    const ca = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
    this.#openssl('x509', '-req', '-in', request, ...ca, '-days', String(days), '-extfile', extensions, '-out', cert);
    return { key: this.#file(key), cert: this.#file(cert) };
  }

  close(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#dir, stdio: 'ignore' });
  }

  #file(name: string): string {
    return readFileSync(join(this.#dir, name), 'utf8');
  }
}
