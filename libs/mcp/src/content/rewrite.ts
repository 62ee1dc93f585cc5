/** Maps an upstream's URI to what the client should see; returning the same string leaves the bytes alone. */
export type UriMap = (uri: string) => string;

/**
 * Rewrites URIs in a result on its way to the client, in exactly the places of protocol.md 1.16 R4, by splicing:
 * content blocks `resource_link.uri` and `resource.resource.uri` (tools/call `content[]`, prompts/get
 * `messages[].content` as object or array), resources/read `contents[].uri`, and `_meta.ui.resourceUri` /
 * `_meta["ui/resourceUri"]`. http(s) URIs inside links stay bare (R3); not in text, not in structuredContent.
 * Returns the same buffer when nothing changes, without parsing when no candidate bytes occur.
 */
export function rewriteResultUris(_method: string, _result: Buffer, _map: UriMap): Buffer {
  throw new Error('pending');
}

/** The same for the params of sampling/createMessage (`messages[].content`) and elicitation, on their way to the client. */
export function rewriteAskUris(_params: Buffer, _map: UriMap): Buffer {
  throw new Error('pending');
}

/** One list item: sets `name` or `uri`/`uriTemplate` and the `_meta` UI keys, drops `execution` (tasks are not relayed). */
export function rewriteItem(
  _item: Buffer,
  _changes: { name?: string; uri?: string; uriTemplate?: string; map?: UriMap },
): Buffer {
  throw new Error('pending');
}

/**
 * Reverse rewriting (R5): finds string values anywhere in `params.arguments` (depth <= 8) that start with `<server>+`
 * or `ui://<server>+`, also in escaped spelling, and replaces those for which `restore` returns the upstream's URI.
 */
export function restoreArgumentUris(
  _params: Buffer,
  _server: string,
  _restore: (exposed: string) => string | undefined,
): Buffer {
  throw new Error('pending');
}
