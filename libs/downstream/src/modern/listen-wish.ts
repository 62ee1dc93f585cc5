import { GatewayError, type OutboundNotification } from '#libs/kernel';
import { JsonView } from '#libs/mcp';
import type { ListenWish } from '#libs/proxy';

/** Most resources one listen stream may watch. */
const MAX_RESOURCES = 1_000;

const CHANGES = ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged'] as const;

const KINDS: Readonly<Record<string, (typeof CHANGES)[number]>> = {
  'notifications/tools/list_changed': 'toolsListChanged',
  'notifications/prompts/list_changed': 'promptsListChanged',
  'notifications/resources/list_changed': 'resourcesListChanged',
};

/** @throws GatewayError INVALID_PARAMS */
export function readWish(params: JsonView | undefined): ListenWish {
  const asked = params?.get('notifications');
  if (asked?.type !== 'object') throw invalid('params.notifications must be an object');
  const [toolsListChanged, promptsListChanged, resourcesListChanged] = CHANGES.map((kind) => {
    const value = asked.get(kind);
    if (value !== undefined && value.type !== 'boolean')
      throw invalid(`params.notifications.${kind} must be true or false`);
    return value?.value() === true;
  }) as [boolean, boolean, boolean];
  return {
    toolsListChanged,
    promptsListChanged,
    resourcesListChanged,
    resourceSubscriptions: readUris(asked.get('resourceSubscriptions')),
  };
}

/** JSON of the honoured subset: what is not honoured is left out (M:subs). */
export function wishJson(wish: ListenWish): string {
  const { resourceSubscriptions } = wish;
  return JSON.stringify({
    ...Object.fromEntries(CHANGES.filter((kind) => wish[kind]).map((kind) => [kind, true])),
    ...(resourceSubscriptions.length > 0 && { resourceSubscriptions }),
  });
}

/** Whether a notification was asked for. */
export function wanted(wish: ListenWish, { method, params }: OutboundNotification): boolean {
  const kind = KINDS[method];
  if (kind !== undefined) return wish[kind];
  if (method !== 'notifications/resources/updated' || !params) return false;
  const uri = JsonView.of(params).get('uri')?.string();
  return uri !== undefined && wish.resourceSubscriptions.includes(uri);
}

function readUris(list: JsonView | undefined): string[] {
  if (list === undefined) return [];
  if (list.type !== 'array') throw invalid('params.notifications.resourceSubscriptions must be a list of URIs');
  const uris = new Set<string>();
  list.forEachItem((item) => {
    const uri = item.string();
    if (uri === undefined) throw invalid('params.notifications.resourceSubscriptions must be a list of URIs');
    uris.add(uri);
    if (uris.size > MAX_RESOURCES) throw invalid(`A stream watches at most ${MAX_RESOURCES} resources`);
  });
  return [...uris];
}

function invalid(message: string): GatewayError {
  return new GatewayError('INVALID_PARAMS', `subscriptions/listen: ${message}`);
}
