import type { UpstreamConfig } from '#libs/config';
import { type ClientHeaders, DueClock, type Era, type Log } from '#libs/kernel';
import { LATEST_MODERN } from '#libs/mcp';
import {
  type Connection,
  type ConnectionListener,
  type ExtensionPoint,
  type RequestCaller,
  UpstreamCredential,
  type UpstreamTarget,
  UpstreamTransport,
} from '#libs/plugin';
import { type CredentialBinding, CredentialSource } from '../credentials/credential-source.js';
import { type Forwarded, forwarding } from '../credentials/forwarded-headers.js';
import { type CredentialUse, isService, type SessionSpec } from '../pool/session-spec.js';
import { Underway } from '../pool/underway.js';
import { WelcomeReader } from '../session/handshake.js';
import { LegacySession } from '../session/legacy-session.js';
import { ModernSession } from '../session/modern/modern-session.js';
import type { Opening } from '../session/opening.js';
import type { SessionListener, UpstreamSession } from '../session/upstream-session.js';
import { type EraVerdict, isStale, probeEra } from './era-probe.js';
import type { GatewaySettings } from './settings.js';
import { toTarget } from './target.js';

const HTTP = 'streamable-http';
export const STDIO = 'stdio';

/** Where transports and credentials come from. The plug-in registry fits. */
export interface Extensions {
  /** @throws GatewayError naming the known alternatives */
  get<T extends object>(point: ExtensionPoint<T>, name: string): T;
}

/** What a session is opened with. */
interface Beginning {
  readonly spec: SessionSpec;
  readonly listener: SessionListener;
  readonly signal: AbortSignal;
  connect(listener: ConnectionListener, opening: Opening): Promise<Connection>;
}

/** Opens sessions with one upstream: finds its transport and credential and its era, connects, speaks the era's handshake. */
export class SessionOpener {
  #target: UpstreamTarget | undefined;
  #verdict: EraVerdict | undefined;
  #probing: Promise<EraVerdict> | undefined;
  readonly #forwarded: Forwarded | undefined;
  /** For the time limits of calls on its sessions. */
  readonly #clock = new DueClock();
  readonly #welcomes: WelcomeReader;
  #binding: CredentialBinding | undefined;
  #source: CredentialSource | undefined;
  /** Probed connections that are still being closed. */
  readonly #closing = new Underway();

  constructor(
    private readonly config: UpstreamConfig,
    private readonly extensions: Extensions,
    private readonly settings: () => GatewaySettings,
    private readonly log: Log,
  ) {
    this.#forwarded = forwarding(config.forward_headers);
    this.#welcomes = new WelcomeReader(config.name);
  }

  /** What is known of the upstream's era; undefined until it was found out. */
  get verdict(): EraVerdict | undefined {
    return this.#verdict;
  }

  async open(spec: SessionSpec, listener: SessionListener, signal: AbortSignal): Promise<UpstreamSession> {
    const connect = this.#connector(spec.personal);
    const era = await this.#eraFor(spec, signal);
    const opening = { spec, listener, signal, connect };
    return await (era === 'legacy' ? this.#openLegacy(opening) : this.#openModern(opening));
  }

  #openLegacy({ connect, listener, signal, spec }: Beginning): Promise<UpstreamSession> {
    const { config, log } = this;
    const { capabilities, shared } = spec;
    // There are thousands of them: one object each, not one made of another.
    return LegacySession.open({
      server: config.name,
      gatewayVersion: this.settings().version,
      startTimeout: config.connection.start_timeout,
      listener,
      log,
      signal,
      connect,
      forwarded: this.#forwarded,
      clock: this.#clock,
      capabilities,
      shared,
      standing: this.#stands(spec),
      dual: this.#dual,
      http: config.type === HTTP,
      welcomes: this.#welcomes,
    });
  }

  #openModern({ connect, listener, signal, spec }: Beginning): Promise<UpstreamSession> {
    const { config, log, verdict } = this;
    return ModernSession.open({
      server: config.name,
      gatewayVersion: this.settings().version,
      startTimeout: config.connection.start_timeout,
      listener,
      log,
      signal,
      connect,
      forwarded: this.#forwarded,
      clock: this.#clock,
      version: LATEST_MODERN,
      dual: this.#dual,
      ...(config.type === HTTP && { streamLifetime: config.connection.limits.stream_lifetime }),
      cancelBy: config.type === HTTP ? 'stream' : 'notification',
      // Somebody has to hear of changed lists.
      standing: isService(spec) || (spec.personal !== undefined && !this.serves),
      contradicted: () => {
        this.#verdict = undefined;
      },
      // A pinned upstream is asked at each start, on the very connection.
      ...(verdict?.era === 'modern' && config.protocol === 'auto' ? { discovered: verdict.discovered } : {}),
    });
  }

  /** Whether the upstream speaks both eras. */
  get #dual(): boolean {
    return this.#verdict?.era === 'modern' && this.#verdict.dual !== undefined;
  }

  /**
   * Asks for the era anew, in the background.
   * @throws GatewayError when nobody can be asked
   */
  async reprobe(signal: AbortSignal): Promise<EraVerdict | undefined> {
    return this.#probes && this.serves ? await this.#probe(signal) : undefined;
  }

  /** What its credential makes of a caller: decides who may share a session. */
  credentialUse(headers: ClientHeaders): CredentialUse {
    const { auth, name } = this.config;
    const credential = this.extensions.get(UpstreamCredential, auth.type);
    const { personal } = credential;
    return { type: auth.type, personal, identity: personal ? credential.identity({ name }, auth, headers) : '' };
  }

  /** Whether the gateway has a credential of its own for this upstream. */
  get serves(): boolean {
    const { auth } = this.config;
    try {
      return this.extensions.get(UpstreamCredential, auth.type).serves(auth);
    } catch {
      // There is no such credential: whoever opens a session is told.
      return true;
    }
  }

  /** Nothing was heard for too long: no new request goes where nobody may be any more. */
  renew(): void {
    const target = this.#target;
    if (target) this.extensions.get(UpstreamTransport, this.config.type).renew(target);
  }

  /** Frees what the sessions shared, once the last one is closed. */
  async release(): Promise<void> {
    await this.#closing.over();
    this.#clock.stop();
    const target = this.#target;
    if (target) await this.extensions.get(UpstreamTransport, this.config.type).release(target);
  }

  /**
   * Whether a session hears from the start what belongs to no request: where it serves more than one client, where that one
   * may be asked something, and where it can be told.
   */
  #stands({ capabilities, client }: SessionSpec): boolean {
    return client === undefined || capabilities.key !== '' || this.settings().isListening(client);
  }

  /** Only over HTTP and on stdio there is something to find out; the other transports are of the legacy era. */
  get #probes(): boolean {
    const { protocol, type } = this.config;
    return protocol === 'auto' && (type === HTTP || type === STDIO);
  }

  async #eraFor(spec: SessionSpec, signal: AbortSignal): Promise<Era> {
    const { protocol } = this.config;
    if (!this.#probes) return protocol === 'modern' ? 'modern' : 'legacy';
    const known = this.#verdict;
    // The service session is opened after each restart and failure: who is there now?
    const fresh = isService(spec) || known === undefined || isStale(known);
    // Where nobody but callers can ask, each asks for himself: one caller's bad credential says nothing to another.
    const own = this.serves ? undefined : spec.personal;
    const verdict = fresh ? await (own ? this.#probeOnce(signal, own) : this.#probe(signal)) : known;
    return verdict.era === 'modern' && verdict.dual ? (spec.era ?? 'modern') : verdict.era;
  }

  #probe(signal: AbortSignal): Promise<EraVerdict> {
    this.#probing ??= this.#probeOnce(signal).finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  async #probeOnce(signal: AbortSignal, caller?: RequestCaller): Promise<EraVerdict> {
    const { config, log } = this;
    const before = this.#verdict;
    const verdict = await probeEra({
      server: config.name,
      gatewayVersion: this.settings().version,
      wire: config.type === HTTP ? 'http' : 'stdio',
      patience: config.connection.start_timeout,
      log,
      signal,
      connect: this.#connector(caller),
      closing: (done) => this.#closing.add(done),
    });
    this.#verdict = verdict;
    if (before?.era !== verdict.era) {
      const dual = verdict.era === 'modern' && verdict.dual !== undefined;
      const fields = { upstream: config.name, era: verdict.era, dual };
      log.info(fields, `${config.name} speaks the ${verdict.era} era${dual ? ', and the legacy one too' : ''}`);
    }
    return verdict;
  }

  #connector(caller: RequestCaller | undefined) {
    const { config, extensions } = this;
    const transport = extensions.get(UpstreamTransport, config.type);
    const binding = this.#bind();
    const { headers, refused } = this.#sourceFor(binding, caller);
    return (listener: ConnectionListener, opening: Opening) =>
      transport.connect(binding.target, {
        listener,
        headers,
        refused,
        get signal() {
          return opening.signal;
        },
      });
  }

  /** A credential that is the same for everybody knows of no caller: one source does for all sessions. */
  #sourceFor(binding: CredentialBinding, caller: RequestCaller | undefined): CredentialSource {
    if (binding.credential.personal) return new CredentialSource(binding, caller);
    if (this.#source?.binding !== binding) this.#source = new CredentialSource(binding, undefined);
    return this.#source;
  }

  #bind(): CredentialBinding {
    const { config, extensions, log } = this;
    const credential = extensions.get(UpstreamCredential, config.auth.type);
    this.#target ??= toTarget(config, log);
    if (this.#binding?.credential !== credential) {
      this.#binding = { credential, target: this.#target, settings: config.auth };
    }
    return this.#binding;
  }
}
