import type { ViewRequest } from '#libs/catalogue';
import type { ClientSession } from '#libs/kernel';
import { viewRequest } from './methods/params.js';

type Asking = Pick<ClientSession, 'principal' | 'endpoint' | 'spelling' | 'client'>;

/** What requests ask the catalogue for. A session's ask for the same over and over: it is made once, with room for its key. */
export class ViewRequests {
  readonly #ofSessions = new WeakMap<ClientSession, ViewRequest>();

  of(caller: Asking & { readonly session?: ClientSession }): ViewRequest {
    const { session } = caller;
    if (!session) return viewRequest(caller);
    const known = this.#ofSessions.get(session);
    if (known && isBy(caller, known)) return known;
    const request = { ...viewRequest(caller), key: { text: '', own: -1, audience: '' } };
    this.#ofSessions.set(session, request);
    return request;
  }
}

/** Who asks within a session is the session's own business, and does not change; this makes it so. */
function isBy({ principal, endpoint, spelling }: Asking, known: ViewRequest): boolean {
  return known.principal === principal && known.endpoint === endpoint && known.spelling === spelling;
}
