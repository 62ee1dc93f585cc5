import { EgressClient, EgressGuard, type JsonAnswer, type JsonRequest } from '#libs/egress';
import type { Principal } from '#libs/kernel';
import type { Authenticator, AuthOutcome, AuthProvider, GatewayLog } from '#libs/plugin';
import { PRESETS } from '../providers/index.js';
import { OidcParts } from '../providers/oidc-provider.js';
import { bearing, setupFor } from './asking.js';

export interface Line {
  readonly level: string;
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

/** Time that stands still until a test moves it. */
export class TestClock {
  #now = Date.now();
  #elapsed = 0;
  chance = 0.5;

  now = (): number => this.#now;
  elapsed = (): number => this.#elapsed;
  random = (): number => this.chance;

  pass(milliseconds: number): void {
    this.#now += milliseconds;
    this.#elapsed += milliseconds;
  }

  /** Somebody sets the date: no time passes. */
  jump(milliseconds: number): void {
    this.#now += milliseconds;
  }
}

/** An egress client that remembers where it was sent. */
export class RecordingEgress extends EgressClient {
  readonly asked: string[] = [];

  override json(options: JsonRequest): Promise<JsonAnswer> {
    this.asked.push(options.url);
    return super.json(options);
  }
}

/** A provider with everything real but the clock. */
export class AuthBench {
  readonly clock = new TestClock();
  readonly egress = new RecordingEgress(new EgressGuard());
  readonly lines: Line[] = [];
  readonly parts: OidcParts;
  readonly #opened: Authenticator[] = [];

  constructor() {
    this.parts = new OidcParts(this.egress, recordingLog(this.lines));
    this.parts.clock = this.clock;
  }

  provider(name: string): AuthProvider {
    const Preset = PRESETS[NAMES.indexOf(name)];
    if (!Preset) throw new Error(`no preset ${name}`);
    return new Preset(this.parts);
  }

  open(oauth: Readonly<Record<string, unknown>>): Judge {
    const setup = setupFor(oauth);
    const authenticator = this.provider(String(oauth['provider'] ?? 'oidc')).open(setup);
    this.#opened.push(authenticator);
    return new Judge(authenticator);
  }

  /** Requests so far to addresses with this in them. */
  requests(part: string): number {
    return this.egress.asked.filter((url) => url.includes(part)).length;
  }

  async close(): Promise<void> {
    for (const authenticator of this.#opened.splice(0)) authenticator.close?.();
    await this.egress.close();
  }
}

const NAMES = ['okta', 'oidc', 'auth0', 'entra', 'keycloak', 'google', 'cognito'];

/** An authenticator, asked with nothing but a token. */
export class Judge {
  constructor(readonly authenticator: Authenticator) {}

  ask(token: string, url = '/mcp'): AuthOutcome | Promise<AuthOutcome> {
    return this.authenticator.authenticate(bearing(token, url));
  }

  async kind(token: string, url?: string): Promise<AuthOutcome['kind']> {
    return (await this.ask(token, url)).kind;
  }

  async reason(token: string, url?: string): Promise<string> {
    const outcome = await this.ask(token, url);
    return outcome.kind === 'denied' ? outcome.reason : outcome.kind;
  }

  async principal(token: string, url?: string): Promise<Principal> {
    const outcome = await this.ask(token, url);
    if (outcome.kind !== 'ok') throw new Error(`not ok: ${JSON.stringify(outcome)}`);
    return outcome.principal;
  }
}

export function recordingLog(lines: Line[]): GatewayLog {
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: fields as Record<string, unknown>, message });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
