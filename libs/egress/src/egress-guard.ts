import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { isIP } from 'node:net';
import { GatewayError } from '#libs/kernel';
import { addressKind, inNetwork } from './addresses.js';

/**
 * Who named a URL. `operator`: the configuration file, which may point into private networks unless `allow_private` says
 * otherwise. `discovered`: somebody else's document or answer, which may only point to the public internet over https, or
 * to the very origin it came from.
 */
export type Trust = 'operator' | 'discovered';

/** `proxy.egress` of the configuration. */
export interface EgressPolicy {
  readonly allow_private: boolean;
  /** Hosts (`internal.example`, `*.internal.example`), addresses and networks (`10.0.0.0/8`) that are never contacted. */
  readonly deny: readonly string[];
}

/** `lookup` of a socket's options. */
export type Lookup = (
  hostname: string,
  options: { readonly all?: boolean | undefined },
  callback: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
) => void;

/** Names that lead to a cloud's metadata service, whatever they resolve to here. */
const METADATA_NAMES = new Set(['metadata', 'metadata.google.internal', 'metadata.goog', 'instance-data']);

/** Decides which hosts and addresses the gateway may contact. The policy is asked for anew each time: it can change. */
export class EgressGuard {
  constructor(
    private readonly policy: () => EgressPolicy = () => ({ allow_private: true, deny: [] }),
    private readonly resolve: typeof systemLookup = systemLookup,
  ) {}

  /**
   * Judges a URL before anything is resolved.
   * @param origin for `discovered` URLs: the origin of whoever named it, which is as good as it was itself
   * @throws GatewayError EGRESS_DENIED
   */
  checkUrl(url: string | URL, trust: Trust, origin?: string): URL {
    const parsed = parseUrl(url);
    if (!parsed) throw denied(String(url).slice(0, 200), 'it is no http or https URL');
    if (parsed.username !== '' || parsed.password !== '') throw denied(parsed.host, 'it carries a user name');
    const sameOrigin = trust === 'discovered' && origin !== undefined && parsed.origin === origin;
    if (trust === 'discovered' && !sameOrigin && parsed.protocol !== 'https:') {
      throw denied(parsed.origin, 'a URL from somebody else has to be https');
    }
    this.checkHost(parsed.hostname, sameOrigin ? 'operator' : trust);
    return parsed;
  }

  /**
   * Judges a host by its name, or by its address where it is one: literals never reach a lookup (UP-93).
   * @throws GatewayError EGRESS_DENIED
   */
  checkHost(hostname: string, trust: Trust): void {
    const host = normalHost(hostname);
    if (METADATA_NAMES.has(host)) throw denied(host, "it is a cloud's metadata service");
    const entry = this.policy().deny.find((pattern) => matchesHost(host, pattern));
    if (entry !== undefined) throw denied(host, `proxy.egress.deny has ${entry}`);
    if (isIP(host) !== 0) this.#checkAddress(host, host, trust);
  }

  /** A socket's `lookup`: only addresses that may be contacted come out. Judged for each new connection. */
  lookup(trust: Trust): Lookup {
    return (hostname, options, callback) => {
      try {
        this.checkHost(hostname, trust);
      } catch (thrown) {
        callback(thrown as Error, []);
        return;
      }
      this.resolve(hostname, { all: true, verbatim: true }, (error, found) => {
        if (error) {
          callback(error, []);
          return;
        }
        const good = found.filter(({ address }) => this.#refusal(address, trust) === undefined);
        const [first] = good;
        if (!first) {
          const address = found[0]?.address ?? '';
          callback(denied(hostname, `${address} is ${this.#refusal(address, trust) ?? 'no address'}`), []);
        } else if (options.all) callback(null, good);
        else callback(null, first.address, first.family);
      });
    };
  }

  #checkAddress(host: string, address: string, trust: Trust): void {
    const refusal = this.#refusal(address, trust);
    if (refusal !== undefined) throw denied(host, `it is ${refusal}`);
  }

  #refusal(address: string, trust: Trust): string | undefined {
    const { allow_private, deny } = this.policy();
    const entry = deny.find((network) => inNetwork(address, network));
    if (entry !== undefined) return `in ${entry} of proxy.egress.deny`;
    const kind = addressKind(address);
    if (kind === 'forbidden') return 'an address nobody may be sent to (metadata, link-local, reserved)';
    if (kind === 'public') return undefined;
    if (trust === 'discovered') return 'a private address that somebody else named';
    return allow_private ? undefined : 'a private address, and proxy.egress.allow_private is false';
  }
}

function parseUrl(url: string | URL): URL | undefined {
  const parsed = typeof url === 'string' ? (URL.canParse(url) ? new URL(url) : undefined) : url;
  return parsed && (parsed.protocol === 'https:' || parsed.protocol === 'http:') ? parsed : undefined;
}

/** In lower case, without brackets and without one trailing dot. */
function normalHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

function matchesHost(host: string, pattern: string): boolean {
  const wanted = normalHost(pattern);
  return wanted.startsWith('*.') ? host.endsWith(wanted.slice(1)) : host === wanted;
}

function denied(what: string, why: string): GatewayError {
  return new GatewayError('EGRESS_DENIED', `The gateway does not contact ${what}: ${why}`, { notExecuted: true });
}
