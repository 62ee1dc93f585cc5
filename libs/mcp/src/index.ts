export { type Buffers, type Bytes, inOne, inOneText, lengthOf } from './bytes.js';
export { downgradeElicitation, downgradeResult, hasMultiSelect } from './content/downgrade.js';
export { withoutHopMeta } from './content/hop-meta.js';
export { withoutLinks } from './content/links.js';
export { restoreArgumentUris } from './content/restore.js';
export { rewriteAskUris, rewriteItem, rewriteResultUris, type UriMap } from './content/rewrite.js';
export { needsProjection, projectOutputSchema, projectStructured } from './content/structured.js';
export { MCP_HEADERS, PARAM_HEADER_PREFIX } from './headers.js';
export { Draft, type DraftChanges } from './json/draft.js';
export { editMembers, type MemberChanges } from './json/edit-members.js';
export { ALL_MARKS, MARKS } from './json/marks.js';
export { type ScanFault, type ScanFaultKind, type ScanLimits, scan } from './json/scan.js';
export { type Edit, splice } from './json/splice.js';
export { type JsonMember, type JsonType, JsonView, type Span } from './json/view.js';
export { type Audiences, LIST_KINDS, LIST_METHODS, type Listing, type ListKind } from './listing.js';
export {
  HOP_META_KEYS,
  LOG_LEVELS,
  logLevelRank,
  REQUEST_ID_META_KEY,
  VENDOR_META_PREFIX,
} from './meta.js';
export { paramsDigest } from './modern/digest.js';
export {
  CACHEABLE_METHODS,
  MODERN_META,
  MODERN_METHODS,
  type ModernEnvelope,
  modernEnvelope,
  namedMember,
} from './modern/envelope.js';
export { decodeHeaderValue, encodeHeaderValue, headerEquals } from './modern/header-values.js';
export {
  checkParamHeaders,
  type ParamHeader,
  type ParamHeaderScan,
  type ParamHeaders,
  type ParamType,
  paramHeaderValues,
  scanParamHeaders,
  stripParamHeaders,
} from './modern/param-headers.js';
export {
  asLegacyResult,
  legacyResultOf,
  type ResultMembers,
  withResultMembers,
  withSubscriptionId,
} from './modern/results.js';
export { exposedName } from './names/names.js';
export { matchesTemplate } from './names/uri-template.js';
export { exposeUri, hasScheme, isHttpUri, MAX_URI_LENGTH, splitUri } from './names/uris.js';
export {
  encodeDraft,
  encodeError,
  encodeNotification,
  encodeRequest,
  encodeResult,
  errorObject,
} from './rpc/encode.js';
export {
  type BatchMessage,
  EnvelopeError,
  type Id,
  type Message,
  type MessageLimits,
  type NotificationMessage,
  type RequestMessage,
  type ResponseMessage,
  type SingleMessage,
} from './rpc/envelope.js';
export { MAX_BATCH, parseClientMessage } from './rpc/parse-client.js';
export { parseUpstreamMessage } from './rpc/parse-upstream.js';
export { oneLine, SSE_KEEP_ALIVE, sseFrame } from './sse/frame.js';
export { type SseEvent, type SseHandlers, SseParser } from './sse/parser.js';
export {
  atLeast,
  isLegacyVersion,
  isModernVersion,
  LATEST_LEGACY,
  LATEST_MODERN,
  LEGACY_VERSIONS,
  type LegacyVersion,
  MODERN_VERSIONS,
  type ModernVersion,
  negotiate,
} from './versions.js';
