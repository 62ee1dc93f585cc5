// An authentication provider: people come with tickets of the company's portal, which shares a key with the gateway.
//
//   plugins: [./plugins/portal-tickets/index.js]
//   oauth:
//     enabled: true
//     provider: portal
//     authorization_servers: ["https://portal.example.com"]
//     audience: [mcp]
//     portal: { key: "${PORTAL_KEY}" }
//
// A ticket is `payload.signature`: base64url of JSON {"sub","aud","exp","groups"}, and of its HMAC-SHA256.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { Module } from '@nestjs/common';
import { AuthProvider, Extension, principal, Secret } from 'mcp-gateway/plugin';

const TICKET = /^([\w-]+)\.([\w-]{43})$/;
const MAX_REMEMBERED = 1_000;

export class PortalTickets extends AuthProvider {
  validate({ settings, issuers }) {
    const problems = [];
    if (keyOf(settings).length < 32) {
      problems.push('portal.key: must have at least 32 characters, for example "${PORTAL_KEY}"');
    }
    if (issuers.length !== 1) problems.push('authorization_servers: must be the URL of the portal, and only that');
    return problems;
  }

  describe({ issuers }) {
    return [`tickets of ${issuers[0]}, signed with the shared key`];
  }

  open(setup) {
    return new TicketDesk(setup);
  }
}

class TicketDesk {
  #setup;
  #remembered = new Map();

  constructor(setup) {
    this.#setup = setup;
  }

  authenticate({ bearer, url }) {
    if (!bearer || !TICKET.test(bearer.token)) return { kind: 'none' };
    const ticket = this.#remembered.get(bearer.digest) ?? this.#open(bearer);
    if (!ticket) return { kind: 'denied', reason: 'the ticket is not one of the portal: its signature is wrong' };
    // Asked this way round, a ticket without an end has ended, too.
    if (!(Date.now() <= ticket.expires + this.#setup.clockTolerance)) {
      return { kind: 'denied', reason: 'the ticket has expired, or names no end (exp); its holder needs a new one' };
    }
    const { resource, audience } = this.#setup;
    if (![resource, this.#setup.resourceAt(url), ...audience].includes(ticket.audience)) {
      return { kind: 'denied', reason: `the ticket is for ${ticket.audience}; see oauth.audience` };
    }
    return { kind: 'ok', principal: ticket.principal };
  }

  close() {
    this.#remembered.clear();
  }

  /** What a genuine ticket says. Kept, because the same ticket comes with every request; the oldest goes first. */
  #open({ token, digest }) {
    const [, payload, signature] = TICKET.exec(token);
    const right = createHmac('sha256', keyOf(this.#setup.settings)).update(payload).digest();
    if (!timingSafeEqual(right, sized(signature, right.length))) return undefined;
    const { sub, aud, exp, groups } = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const ticket = {
      principal: principal(this.#setup.issuers[0], sub, { claims: { groups }, expiresAt: exp * 1000 }),
      audience: aud,
      expires: exp * 1000,
    };
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value);
    this.#remembered.set(digest, ticket);
    return ticket;
  }
}

function sized(signature, length) {
  const bytes = Buffer.alloc(length);
  Buffer.from(signature, 'base64url').copy(bytes);
  return bytes;
}

/** The gateway hands over as a Secret what is one by its name. */
function keyOf({ key }) {
  return key instanceof Secret ? key.reveal() : String(key ?? '');
}

Extension(AuthProvider, { name: 'portal', api: '1.1' })(PortalTickets);

export default class PortalTicketsPlugin {}
Module({ providers: [PortalTickets] })(PortalTicketsPlugin);
