import { ANONYMOUS, type Endpoint, type ObjectRef, type Principal, type Spelling } from '#libs/kernel';
import { LIST_METHODS, type Listing, type ListKind } from '#libs/mcp';
import { Decide, type Decision } from '#libs/plugin';
import type { View } from '../contract.js';
import type { CatalogueServer, CatalogueSettings } from '../settings.js';

export const COLON: Spelling = { separator: ':', maxLength: 128 };
export const AGGREGATE: Endpoint = { kind: 'aggregate' };

export const serverEndpoint = (server: string): Endpoint => ({ kind: 'server', server });
export const toolsetEndpoint = (toolset: string): Endpoint => ({ kind: 'toolset', toolset });

/** A permission port that a test can change. */
export class TestDecide extends Decide {
  policyVersion = 1;
  asked = 0;

  constructor(public rule: (principal: Principal, ref: ObjectRef) => boolean = () => true) {
    super();
  }

  decide(principal: Principal, ref: ObjectRef): Decision {
    this.asked += 1;
    return { effect: this.rule(principal, ref) ? 'allow' : 'hide', rule: 'test' };
  }

  classOf({ key, claims }: Principal): string {
    return `${key} ${JSON.stringify(claims)}`;
  }
}

export type Items = Partial<Record<ListKind, readonly (string | object)[]>>;

/** A listing whose items are given as JSON text, or as values to be written as JSON. */
export function listing(server: string, items: Items, extra: Partial<Listing> = {}): Listing {
  const bytes = (kind: ListKind) =>
    (items[kind] ?? []).map((item) => Buffer.from(typeof item === 'string' ? item : JSON.stringify(item)));
  return {
    server,
    era: 'legacy',
    version: '2025-11-25',
    capabilities: { tools: {}, prompts: {}, resources: {} },
    serverInfo: { name: server, version: '1' },
    items: {
      tools: bytes('tools'),
      prompts: bytes('prompts'),
      resources: bytes('resources'),
      templates: bytes('templates'),
    },
    failed: {},
    ...extra,
  };
}

export const tool = (name: string, extra: object = {}) => ({ name, inputSchema: { type: 'object' }, ...extra });
export const prompt = (name: string) => ({ name });
export const resource = (uri: string) => ({ uri, name: uri });
export const template = (uriTemplate: string) => ({ uriTemplate, name: uriTemplate });

export function server(name: string, extra: Partial<CatalogueServer> = {}): CatalogueServer {
  return { name, prefix: null, tools: { include: ['*'], exclude: [] }, ...extra };
}

export function settings(...servers: (string | CatalogueServer)[]): CatalogueSettings {
  return { servers: servers.map((one) => (typeof one === 'string' ? server(one) : one)), toolsets: [] };
}

export function request(endpoint: Endpoint = AGGREGATE, spelling: Spelling = COLON, principal: Principal = ANONYMOUS) {
  return { principal, endpoint, spelling };
}

/** The parsed items of one page, and the cursor to the next. */
export function page(view: View, kind: ListKind, cursor?: string) {
  const result = JSON.parse(view.list(kind, cursor).toString()) as Record<string, unknown>;
  return {
    items: result[LIST_METHODS[kind].member] as Record<string, unknown>[],
    next: result['nextCursor'] as string | undefined,
  };
}

const NAMED_BY: Readonly<Record<ListKind, string>> = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  templates: 'uriTemplate',
};

/** Exposed names of all pages, in order. */
export function names(view: View, kind: ListKind): string[] {
  const all: string[] = [];
  let cursor: string | undefined;
  do {
    const { items, next } = page(view, kind, cursor);
    all.push(...items.map((item) => item[NAMED_BY[kind]] as string));
    cursor = next;
  } while (cursor !== undefined);
  return all;
}
