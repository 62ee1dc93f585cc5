import { LATER_CREDENTIALS, type UpstreamConfig } from '#libs/config';
import { GatewayError, type Log, type Principal } from '#libs/kernel';
import {
  type ExtensionPoint,
  type HeaderSource,
  UpstreamCredential,
  type UpstreamTarget,
  UpstreamTransport,
} from '#libs/plugin';
import type { SessionSpec } from '../pool/session-spec.js';
import { LegacySession } from '../session/legacy-session.js';
import type { SessionListener, UpstreamSession } from '../session/upstream-session.js';
import { CONNECT_TIMEOUT, type GatewaySettings } from './settings.js';
import { toTarget } from './target.js';

/** Where transports and credentials come from. The plug-in registry fits. */
export interface Extensions {
  /** @throws GatewayError naming the known alternatives */
  get<T extends object>(point: ExtensionPoint<T>, name: string): T;
}

/** Opens sessions with one upstream: finds its transport and credential, connects, speaks the era's handshake. */
export class SessionOpener {
  #target: UpstreamTarget | undefined;

  constructor(
    private readonly config: UpstreamConfig,
    private readonly extensions: Extensions,
    private readonly settings: () => GatewaySettings,
    private readonly log: Log,
  ) {}

  async open(spec: SessionSpec, listener: SessionListener, signal: AbortSignal): Promise<UpstreamSession> {
    const { config, extensions, log } = this;
    const server = config.name;
    if (config.protocol === 'modern') {
      const text = `${server}: protocol "modern" is not supported yet; use auto or legacy`;
      throw new GatewayError('UPSTREAM_PROTOCOL', text, { data: { server }, notExecuted: true });
    }
    if (LATER_CREDENTIALS.has(config.auth.type)) {
      const text = `${server}: auth.type ${config.auth.type} is not available in this version; use header, bearer or basic`;
      throw new GatewayError('UPSTREAM_UNAUTHORIZED', text, { data: { server }, notExecuted: true });
    }
    const transport = extensions.get(UpstreamTransport, config.type);
    const credential = extensions.get(UpstreamCredential, config.auth.type);
    this.#target ??= await toTarget(config, log);
    const target = this.#target;
    const headers = headerSource(credential, target, config.auth, spec.principal);
    return await LegacySession.open({
      server,
      gatewayVersion: this.settings().version,
      capabilities: spec.capabilities,
      shared: spec.shared,
      connectTimeout: CONNECT_TIMEOUT,
      listener,
      log,
      signal,
      connect: (connectionListener, connectSignal) =>
        transport.connect(target, { listener: connectionListener, headers, signal: connectSignal }),
    });
  }

  /** Frees what the sessions shared, once the last one is closed. */
  async release(): Promise<void> {
    const target = this.#target;
    if (target) await this.extensions.get(UpstreamTransport, this.config.type).release(target);
  }
}

function headerSource(
  credential: UpstreamCredential,
  target: UpstreamTarget,
  settings: Readonly<Record<string, unknown>>,
  principal: Principal | undefined,
): HeaderSource {
  return async () => {
    const outcome = await credential.headers(target, settings, principal);
    if (outcome.kind === 'ok') return outcome.headers;
    const text = `${target.name}: no credential for this upstream: ${outcome.reason}`;
    throw new GatewayError('UPSTREAM_UNAUTHORIZED', text, { data: { server: target.name }, notExecuted: true });
  };
}
