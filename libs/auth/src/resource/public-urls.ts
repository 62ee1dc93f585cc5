/** Where RFC 9728 puts the metadata of a resource: between host and path. */
export const METADATA_PATH = '/.well-known/oauth-protected-resource';

/** The endpoint whose resource stands for the gateway as a whole: a token for it is good at all of them. */
export const WHOLE = '/mcp';

const ENDPOINT = /^(?:https?:\/\/[^/?#]*)?(\/mcp(?:\/[a-z0-9-]{1,30})?)(?:\?|$)/;

/**
 * The path of the endpoint a request names, `/mcp` or `/mcp/<name>`, whether there is one of this name or not; undefined
 * for any other. `target` is what stands in the request line.
 */
export function endpointNamed(target: string | undefined): string | undefined {
  return ENDPOINT.exec(target ?? '')?.[1];
}

/**
 * The gateway's own URLs as clients and authorization servers have to see them. They come from the configuration alone:
 * what a request says of its host, or a proxy of the original one, never gets into them (RS-04).
 */
export class PublicUrls {
  /** `server.url` in its one spelling: scheme and host in lower case, no default port, no slash at the end. */
  readonly base: string;
  /** The path in it, empty for most. Clients that guess insert the well-known path before it (RFC 9728, 3.1). */
  readonly prefix: string;
  readonly #resource: string | null;

  /** `resource` is `oauth.resource`: when set, the one identifier of every endpoint. */
  constructor(serverUrl: string, resource: string | null) {
    const { origin, pathname } = new URL(serverUrl);
    this.prefix = pathname.replace(/\/+$/, '');
    this.base = origin + this.prefix;
    this.#resource = resource;
  }

  /** The resource identifier (RFC 8707) of an endpoint, by its path, e.g. `/mcp`: what a token has to be meant for. */
  resource(path: string): string {
    return this.#resource ?? this.base + path;
  }

  /**
   * Where an endpoint's metadata is found; without a path, the document for all of them. It lies below `server.url`, so
   * that a proxy which serves the gateway under a path of its own needs no second rule.
   */
  metadata(path = ''): string {
    return this.base + METADATA_PATH + path;
  }
}
