export { AbortSource } from './abort.js';
export { Backoff, type BackoffSettings } from './backoff.js';
export { isBearer } from './bearer.js';
export { BodyCollector } from './body-collector.js';
export { ChurnMap } from './churn-map.js';
export { correlationId, saneTraceparent } from './correlation.js';
export { type Due, DueClock } from './due-clock.js';
export { Emitter } from './emitter.js';
export {
  ERRORS,
  type ErrorCode,
  type ErrorEntry,
  type ErrorLevel,
  type ErrorOrigin,
  GatewayError,
  type GatewayErrorOptions,
  messageOf,
  toGatewayError,
} from './errors.js';
export {
  type Answer,
  type Ask,
  type ClientHeaders,
  type ClientHop,
  type ClientSession,
  EMPTY_RESULT,
  type Era,
  type Exchange,
  type Freshness,
  type InputRequest,
  type OutboundNotification,
  type Outcome,
  type Resumption,
} from './exchange.js';
export { compileGlob, compileSelection, matchesGlob } from './glob.js';
export { isObject } from './is-object.js';
export { visibleJson } from './json-line.js';
export { type Log, SILENT } from './log.js';
export { isLoopbackAddress, isLoopbackHost } from './loopback.js';
export { Lru } from './lru.js';
export { ownBytes } from './own-bytes.js';
export {
  ANONYMOUS,
  type Claims,
  type Principal,
  type PrincipalDetails,
  principal,
  principalKey,
} from './principal.js';
export { randomPiece } from './random.js';
export { type Place, Recency } from './recency.js';
export { canonicalName, type Endpoint, endpointPath, type ObjectKind, type ObjectRef, type Spelling } from './refs.js';
export { Roster, type Seated } from './roster.js';
export { maskedAs, maskSecrets, rememberSecret, Secret } from './secret.js';
export { sourceStack } from './source-stack.js';
export { within } from './within.js';
