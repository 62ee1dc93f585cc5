import { createRequire } from 'node:module';
import type { buildConnector as BuildConnector, Client as ClientClass, Dispatcher, errors } from 'undici';

/**
 * The parts of undici that every call goes through, without the rest (fetch, web sockets, caches, mocks): the package loads
 * all of it at once, which took a tenth of the start and ten megabytes. undici.spec.ts holds them against the package.
 */
const load = createRequire(import.meta.url);

export const Client = load('undici/lib/dispatcher/client.js') as typeof ClientClass;
export const buildConnector = load('undici/lib/core/connect.js') as typeof BuildConnector;
export const { ClientDestroyedError } = load('undici/lib/core/errors.js') as typeof errors;

/** What it needs of a dispatcher. */
interface Sends {
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): unknown;
}
export type Request = (this: Sends, options: Dispatcher.RequestOptions) => Promise<Dispatcher.ResponseData>;

/** What `undici.request` does once it knows the dispatcher. By itself: a gateway that fetches no keys or tokens needs none. */
export function loadRequest(): Request {
  return load('undici/lib/api/api-request.js') as Request;
}
