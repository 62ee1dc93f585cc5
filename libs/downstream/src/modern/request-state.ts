import { Injectable } from '@nestjs/common';
import { ServerConfigRef } from '#libs/config';
import { type Endpoint, endpointPath, GatewayError, type Principal } from '#libs/kernel';
import { Aead } from '../session/aead.js';

/** What a `requestState` is only good for: any difference on the retry refuses it (M:mrtr). */
export interface StateBinding {
  readonly principal: Principal;
  readonly endpoint: Endpoint;
  readonly method: string;
  /** Digest of the params without `_meta`, `inputResponses` and `requestState`, as the client spelled them. */
  readonly digest: string;
}

/** What a `requestState` holds: a modern upstream's own state, or the name of a call that is parked here. */
export type State =
  | { readonly kind: 'relayed'; readonly server: string; readonly state: string }
  | { readonly kind: 'parked'; readonly replica: string; readonly call: string; readonly round: number };

interface Sealed {
  readonly p: string;
  readonly e: string;
  readonly m: string;
  readonly d: string;
  /** Milliseconds since the epoch. */
  readonly x: number;
  readonly s: State;
}

/** Seals and opens the `requestState` the gateway hands to modern clients. It travels through the client, so it shows nothing. */
@Injectable()
export class RequestStates {
  readonly #aead: Aead;

  constructor(server: ServerConfigRef) {
    this.#aead = new Aead(server.current.session_key, { info: 'mcp-request-state v1', label: 'mcp-rs' });
  }

  /** `lifetime` in milliseconds. */
  seal(state: State, { principal, endpoint, method, digest }: StateBinding, lifetime: number): string {
    const sealed: Sealed = {
      p: principal.key,
      e: endpointPath(endpoint),
      m: method,
      d: digest,
      x: Date.now() + lifetime,
      s: state,
    };
    return this.#aead.seal(Buffer.from(JSON.stringify(sealed)));
  }

  /** @throws GatewayError STATE_INVALID, with one text whatever is wrong */
  open(token: string, { principal, endpoint, method, digest }: StateBinding): State {
    const plain = this.#aead.open(token);
    if (!plain) throw stateInvalid();
    const sealed = JSON.parse(plain.toString()) as Sealed;
    const good =
      sealed.p === principal.key &&
      sealed.e === endpointPath(endpoint) &&
      sealed.m === method &&
      sealed.d === digest &&
      sealed.x > Date.now();
    if (!good) throw stateInvalid();
    return sealed.s;
  }
}

export function stateInvalid(): GatewayError {
  return new GatewayError('STATE_INVALID', 'requestState is not valid for this request; start over without it');
}
