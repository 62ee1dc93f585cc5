// What plug-ins import as `mcp-gateway/plugin`: the contracts, the mark, and the little of the kernel these need.
export {
  ANONYMOUS,
  type Ask,
  type ClientHeaders,
  type ClientHop,
  type Endpoint,
  type ErrorCode,
  type Exchange,
  GatewayError,
  type GatewayErrorOptions,
  type InputRequest,
  type Log,
  messageOf,
  type ObjectRef,
  type OutboundNotification,
  type Outcome,
  type Principal,
  principal,
  Secret,
  toGatewayError,
} from '#libs/kernel';
export {
  type Authenticator,
  type AuthOutcome,
  AuthProvider,
  type AuthSetup,
  type Bearer,
  type Credentials,
  type IntrospectionSetup,
} from './auth-provider.js';
export {
  type AfterCall,
  type BeforeCall,
  CallPolicy,
  type PolicyAnswer,
  type PolicyCall,
  type PolicyDecision,
  type PolicyQuestion,
} from './call-policy.js';
export {
  EXTENSION_API_VERSION,
  Extension,
  ExtensionMark,
  type ExtensionMeta,
  type ExtensionPoint,
} from './extension.js';
export { type InProcessMcpServer, InProcessServer } from './in-process-server.js';
export {
  type AuditEvent,
  AuditTrail,
  CallMetrics,
  type ChildStatus,
  Decide,
  type Decision,
  type ExitStatus,
  GatewayLog,
  type JsonSpan,
  type ProcessStatus,
  StatusSource,
  type UpstreamState,
  type UpstreamStatus,
} from './ports.js';
export { Public, type PublicOptions } from './public.js';
export { SecretSource } from './secret-source.js';
export { type CredentialOutcome, UpstreamCredential } from './upstream-credential.js';
export {
  type Connection,
  type ConnectionListener,
  type ConnectionStatus,
  type ConnectOptions,
  type CredentialRefusal,
  type HeaderSource,
  type OutboundRequest,
  type ReplySink,
  type RequestCaller,
  type RequestHandle,
  type TransportLimits,
  type TransportTls,
  type UpstreamTarget,
  UpstreamTransport,
} from './upstream-transport.js';
