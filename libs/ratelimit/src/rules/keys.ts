import { createHash } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import type { RateLimitConfig } from '#libs/config';
import type { Exchange, ObjectRef } from '#libs/kernel';

/** Whose request it is. */
export type Caller = Pick<Exchange, 'principal' | 'client' | 'remoteAddress'>;

/** Characters of a key that are kept as they are: strangers choose client names and URIs. */
const LONGEST = 128;

/** What a rule counts a request under. `target` is there for rules that need one. */
export function keyOf(key: RateLimitConfig['key'], caller: Caller, target: ObjectRef | undefined): string {
  switch (key) {
    case 'principal':
      return caller.principal.anonymous ? `address ${addressKey(caller.remoteAddress)}` : caller.principal.key;
    case 'client':
      return bounded(clientOf(caller));
    case 'ip':
      return addressKey(caller.remoteAddress);
    case 'server':
      return target?.server ?? '';
    case 'tool':
      return bounded(target ? `${target.kind} ${target.server}:${target.name}` : '');
  }
}

/** The OAuth client a token was issued to; without one, what the client calls itself. */
function clientOf({ principal, client }: Caller): string {
  return principal.clientId === undefined ? `name ${client.name}` : `id ${principal.clientId}`;
}

/** One customer of a network: an IPv4 address, or the first half of an IPv6 address, whose second half costs nothing. */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address;
  try {
    const parsed = ipaddr.process(address);
    if (parsed.kind() === 'ipv4') return parsed.toString();
    return `${Buffer.from(parsed.toByteArray().slice(0, 8)).toString('hex')}/64`;
  } catch {
    return bounded(address);
  }
}

function bounded(text: string): string {
  return text.length <= LONGEST ? text : createHash('sha256').update(text).digest('base64url');
}
