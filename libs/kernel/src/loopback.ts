import { isIPv4 } from 'node:net';

const MAPPED = /^::ffff:/i;

/** The address of a peer that is this machine itself. */
export function isLoopbackAddress(address: string): boolean {
  if (address === '127.0.0.1' || address === '::1') return true;
  const plain = address.startsWith(':') ? address.replace(MAPPED, '') : address;
  return plain.startsWith('127.') && isIPv4(plain);
}

/** A host that leads to this machine and nowhere else, as configurations and URLs spell it (RFC 6761 6.3). */
export function isLoopbackHost(host: string): boolean {
  const bare = host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
  return bare === 'localhost' || bare.endsWith('.localhost') || isLoopbackAddress(bare);
}
