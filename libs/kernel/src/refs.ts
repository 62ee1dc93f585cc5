/** The kinds of things an upstream offers by name. */
export type ObjectKind = 'tool' | 'prompt' | 'resource' | 'template';

/** One thing of one upstream, by the upstream's own spelling. `server:name` is its canonical name. */
export interface ObjectRef {
  readonly kind: ObjectKind;
  readonly server: string;
  /** The upstream's own name, or the URI or URI template for resources. */
  readonly name: string;
}

export function canonicalName(ref: Pick<ObjectRef, 'server' | 'name'>): string {
  return `${ref.server}:${ref.name}`;
}

/** Which front door a request came through. */
export type Endpoint =
  | { readonly kind: 'aggregate' }
  | { readonly kind: 'server'; readonly server: string }
  | { readonly kind: 'toolset'; readonly toolset: string };

/** The endpoint's path, which is also its key in seals and view keys. */
export function endpointPath(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'aggregate':
      return '/mcp';
    case 'server':
      return `/mcp/${endpoint.server}`;
    case 'toolset':
      return `/mcp/${endpoint.toolset}`;
  }
}

/** How names are spelled for one client: the separator between server and tool, and the longest name it takes. */
export interface Spelling {
  readonly separator: string;
  readonly maxLength: number;
}
