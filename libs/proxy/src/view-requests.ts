import type { ViewRequest } from '#libs/catalogue';
import type { ClientHop, ClientSession, Endpoint } from '#libs/kernel';
import { viewRequest } from './methods/params.js';

type Asking = Pick<ClientSession, 'principal' | 'endpoint' | 'spelling' | 'client'>;

interface Known {
  readonly client: ClientHop;
  readonly request: ViewRequest;
}

/** Ways of asking that are remembered of one caller. A session has one; of a principal there may be several clients. */
const MAX_KNOWN = 16;

/**
 * What requests ask the catalogue for. A session's ask for the same over and over, and so do those of a principal that needs
 * none: it is made once, with room for its key.
 */
export class ViewRequests {
  readonly #known = new WeakMap<object, Known[]>();

  of(asking: Asking & { readonly session?: ClientSession }): ViewRequest {
    const who = asking.session ?? asking.principal;
    let known = this.#known.get(who);
    if (known) for (const one of known) if (isSame(asking, one)) return one.request;
    if (!known || known.length >= MAX_KNOWN) {
      known = [];
      this.#known.set(who, known);
    }
    const request = { ...viewRequest(asking), key: { text: '', own: -1, audience: '' } };
    known.push({ client: asking.client, request });
    return request;
  }
}

function isSame({ principal, endpoint, spelling, client }: Asking, { client: its, request }: Known): boolean {
  return (
    client === its &&
    principal === request.principal &&
    spelling.separator === request.spelling.separator &&
    spelling.maxLength === request.spelling.maxLength &&
    isSameEndpoint(endpoint, request.endpoint)
  );
}

function isSameEndpoint(a: Endpoint, b: Endpoint): boolean {
  if (a === b) return true;
  if (a.kind === 'server') return b.kind === 'server' && a.server === b.server;
  if (a.kind === 'toolset') return b.kind === 'toolset' && a.toolset === b.toolset;
  return b.kind === 'aggregate';
}
