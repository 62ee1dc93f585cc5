import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Finds the client's address behind proxies the operator trusts; anybody else's X-Forwarded-For counts for nothing. */
export class RemoteAddresses {
  readonly #trusted = new BlockList();
  readonly #any: boolean;

  /** Addresses or CIDR ranges; malformed entries trust nobody. */
  constructor(trusted: readonly string[]) {
    this.#any = trusted.length > 0;
    for (const entry of trusted) this.#trust(entry);
  }

  of(request: IncomingMessage): string {
    const peer = plain(request.socket.remoteAddress ?? '');
    if (!this.#any || !this.#isTrusted(peer)) return peer;
    const header = request.headers['x-forwarded-for'];
    const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',');
    // From the nearest hop outwards: the first one that is not ours is as far as the chain can be believed.
    let client = peer;
    for (const hop of hops.reverse()) {
      const address = plain(hop.trim());
      // A zone means something on the proxy's own machine only, and may be any text.
      if (isIP(address) === 0 || address.includes('%')) break;
      client = address;
      if (!this.#isTrusted(address)) break;
    }
    return client;
  }

  #trust(entry: string): void {
    const [address = '', prefix] = entry.split('/', 2);
    const family = isIP(address);
    if (family === 0) return;
    const type = family === 6 ? 'ipv6' : 'ipv4';
    const bits = prefix === undefined ? (family === 6 ? 128 : 32) : Number(prefix);
    if (!Number.isInteger(bits) || bits < 0 || bits > (family === 6 ? 128 : 32)) return;
    this.#trusted.addSubnet(address, bits, type);
  }

  #isTrusted(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#trusted.check(address, family === 6 ? 'ipv6' : 'ipv4');
  }
}

/** IPv4 addresses arrive as `::ffff:1.2.3.4` on dual-stack sockets. */
function plain(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}
