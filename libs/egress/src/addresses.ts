import ipaddr from 'ipaddr.js';

/**
 * What kind of place an address is. `forbidden`: nobody has business there (cloud metadata, link-local, multicast,
 * reserved). `private`: this machine and networks that are not the internet. `public`: everything else.
 */
export type AddressKind = 'public' | 'private' | 'forbidden';

/** Metadata services that lie in otherwise ordinary ranges. */
const METADATA = new Set(['fd00:ec2::254', '100.100.100.200']);

const FORBIDDEN_RANGES = new Set(['linkLocal', 'unspecified', 'broadcast', 'multicast', 'reserved', 'discard']);

/** An IPv4 address in one of the forms that carry another address: what is reached is the one inside. */
const CARRIERS: readonly (readonly [string, (bytes: number[]) => number[]])[] = [
  ['64:ff9b::/96', (bytes) => bytes.slice(12)],
  ['2002::/16', (bytes) => bytes.slice(2, 6)],
];

/** Documentation, benchmarks, Teredo, local NAT64: never reached on purpose, so no better than a private network. */
const ODD_NETWORKS = [
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '2001::/32',
  '2001:db8::/32',
  '64:ff9b:1::/48',
  'fec0::/10',
].map((text) => ipaddr.parseCIDR(text));

/** Judges an IP address in text form; what cannot be read is forbidden. */
export function addressKind(text: string): AddressKind {
  const address = parse(text);
  if (!address) return 'forbidden';
  if (METADATA.has(address.toString())) return 'forbidden';
  const range = address.range();
  if (ODD_NETWORKS.some((network) => within(address, network))) return 'private';
  if (address.kind() === 'ipv4' && within(address, ZERO)) return 'forbidden';
  if (FORBIDDEN_RANGES.has(range)) return 'forbidden';
  return range === 'unicast' ? 'public' : 'private';
}

/** Whether an address lies in a network, `10.0.0.0/8` or a single address. False for networks that cannot be read. */
export function inNetwork(text: string, network: string): boolean {
  const address = parse(text);
  if (!address) return false;
  try {
    const bare = network.replace(/^\[(.*)\]$/, '$1');
    const [base, bits] = bare.includes('/') ? ipaddr.parseCIDR(bare) : [ipaddr.parse(bare), undefined];
    return within(address, [base, bits ?? (base.kind() === 'ipv4' ? 32 : 128)]);
  } catch {
    return false;
  }
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

const ZERO: [Address, number] = ipaddr.parseCIDR('0.0.0.0/8');

function within(address: Address, [base, bits]: readonly [Address, number]): boolean {
  return address.kind() === base.kind() && address.match(base, bits);
}

/** With brackets and zones taken off, and the address inside where one carries another. */
function parse(text: string): Address | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  if (!ipaddr.isValid(bare)) return undefined;
  const address = ipaddr.process(bare);
  if (address.kind() === 'ipv4') return address;
  const carrier = CARRIERS.find(([network]) => within(address, ipaddr.parseCIDR(network)));
  return carrier ? ipaddr.fromByteArray(carrier[1](address.toByteArray())) : address;
}
