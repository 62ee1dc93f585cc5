import { Inject, Injectable, Optional } from '@nestjs/common';
import { ProxyConfigRef } from '#libs/config';
import type { ClientHop } from '#libs/kernel';
import { CallMetrics, GatewayLog } from '#libs/plugin';
import { matchesName } from '#libs/proxy';

/** A deviation from the protocol that can be put up with. None of them changes what a caller may do. */
export type ClientFault = 'version-header-mismatch';

interface KnownFault {
  readonly fault: ClientFault;
  /** Globs over `clientInfo`. */
  readonly client: string;
  readonly version: string;
}

/**
 * Clients that are known to send `MCP-Protocol-Version` of the revision they were built for beside a body of the one
 * that was negotiated. The body is what is acted upon, so nothing is lost by going on. This is a deliberate exception to
 * treating all clients alike (M:base); `Mcp-Method` and `Mcp-Name` have none.
 */
const KNOWN_FAULTS: readonly KnownFault[] = [
  { fault: 'version-header-mismatch', client: 'claude-ai*', version: '*' },
  { fault: 'version-header-mismatch', client: 'claude.ai*', version: '*' },
  { fault: 'version-header-mismatch', client: 'Anthropic*', version: '*' },
];

/** Most clients a tolerance is logged for; their names are their own to choose. */
const MAX_LOGGED = 100;

/** Which faults of which clients are tolerated: those known, unless `proxy.clients.<glob>.tolerate` says otherwise. */
@Injectable()
export class ClientFaults {
  readonly #logged = new Set<string>();

  constructor(
    private readonly config: ProxyConfigRef,
    private readonly log: GatewayLog,
    @Optional() @Inject(CallMetrics) private readonly metrics?: CallMetrics,
  ) {}

  /** Whether to put up with a fault that was just found. Counted; logged once for each client and fault. */
  tolerates(client: Pick<ClientHop, 'name' | 'clientVersion'>, fault: ClientFault): boolean {
    if (!this.#allowed(client, fault)) return false;
    this.metrics?.tolerated(fault);
    const key = `${fault} ${client.name}`;
    if (!this.#logged.has(key) && this.#logged.size < MAX_LOGGED) {
      this.#logged.add(key);
      this.log.info(
        { fault, client: client.name.slice(0, 64), version: client.clientVersion.slice(0, 64) },
        `tolerating '${fault}' of this client; switch it off with an empty list at proxy.clients.<name>.tolerate`,
      );
    }
    return true;
  }

  #allowed({ name, clientVersion }: Pick<ClientHop, 'name' | 'clientVersion'>, fault: ClientFault): boolean {
    for (const [glob, { tolerate }] of Object.entries(this.config.current.clients)) {
      if (tolerate && matchesName(glob, name)) return tolerate.includes(fault);
    }
    return KNOWN_FAULTS.some(
      (known) => known.fault === fault && matchesName(known.client, name) && matchesName(known.version, clientVersion),
    );
  }
}
