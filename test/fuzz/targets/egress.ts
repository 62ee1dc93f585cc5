import type { LookupAddress } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { EgressGuard } from '#libs/egress';
import { GatewayError } from '#libs/kernel';
import { woundedText } from '../gen/bytes.js';
import { inProcess, must, type Target } from '../target.js';

const HOSTS = [
  ...['idp.example', 'localhost', '127.0.0.1', '0x7f.1', '2130706433', '127.1', '①②⑦.0.0.1', 'ⓛocalhost', '[::1]'],
  ...[
    '[::ffff:10.0.0.1]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:a9fe:a9fe::]',
    '169.254.169.254',
    '169.254.169.254.',
    '10.0.0.1',
  ],
  ...[
    'metadata.google.internal',
    'METADATA.google.internal.',
    '0',
    '[fd00:ec2::254]',
    '100.100.100.200',
    'x.localhost',
    '',
  ],
];
const urls = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        'https://',
        'http://',
        'HTTPS:\\\\',
        'ftp://',
        'file:///',
        'javascript:',
        '//',
        'https:/',
        ' https://',
      ),
      fc.constantFrom('', 'user@', 'a:b@', 'https://', '%00', '\t'),
      woundedText(fc.constantFrom(...HOSTS), ['.', '%2e', '@', '#', '\\', '/', ':', '①', '\u3002']),
      fc.constantFrom('', ':443', ':99999', '/x', '?a', '#f', '\n'),
    )
    .map((parts) => parts.join('')),
  fc.webUrl(),
  fc.string(),
  fc
    .tuple(fc.constantFrom('https://', 'https://['), fc.oneof(fc.ipV4Extended(), fc.ipV6()))
    .map(([head, it]) => (head.endsWith('[') ? `${head}${it}]/` : `${head}${it}/`)),
);

const INSIDE = new BlockList();
for (const [network, bits] of [
  ['10.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['0.0.0.0', 8],
  ['100.64.0.0', 10],
  ['224.0.0.0', 3],
] as const) {
  INSIDE.addSubnet(network, bits, 'ipv4');
}
for (const [network, bits] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  INSIDE.addSubnet(network, bits, 'ipv6');

const guard = new EgressGuard();

/** A URL somebody else gave us leads to the internet, over https, and nowhere else. What a name stands for is seen later. */
function checkDiscovered(url: string): boolean {
  let admitted: URL;
  try {
    admitted = guard.checkUrl(url, 'discovered');
  } catch (thrown) {
    refusal(thrown);
    return false;
  }
  const host = admitted.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  must(admitted.protocol === 'https:' && admitted.username === '', () => `admits ${admitted}`);
  must(host.toLowerCase() !== 'metadata.google.internal' && !isInside(host), () => `admits ${admitted}`);
  return true;
}

const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.constantFrom('127.0.0.1', '10.1.2.3', '::1', '169.254.169.254', '::ffff:10.0.0.1'),
);

/** Of all a name resolves to, only what is outside is connected to. */
function checkLookup(found: readonly string[]): boolean {
  const resolve = (_name: string, _options: object, done: (error: null, all: LookupAddress[]) => void) =>
    done(
      null,
      found.map((it) => ({ address: it, family: isIP(it) })),
    );
  let good: readonly LookupAddress[] = [];
  new EgressGuard(undefined, resolve as never).lookup('discovered')('name.example', { all: true }, (error, all) => {
    if (error) refusal(error);
    else good = all as LookupAddress[];
  });
  for (const it of good) must(!isInside(it.address), () => `connects to ${it.address}`);
  return good.length > 0;
}

function refusal(thrown: unknown): void {
  must(thrown instanceof GatewayError && thrown.code === 'EGRESS_DENIED', () => `threw ${thrown}`);
}

function isInside(host: string): boolean {
  const family = isIP(host);
  return family !== 0 && INSIDE.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

export const EGRESS_TARGETS: readonly Target[] = [
  inProcess('egress-urls', 8, urls, checkDiscovered),
  inProcess('egress-lookups', 4, fc.array(address, { minLength: 1, maxLength: 3 }), checkLookup),
];
