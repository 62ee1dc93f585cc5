// What authors of plug-ins import as `mcp-gateway/plugin/testing` in their vitest specs: the suites that the gateway's own
// implementations of each extension point pass, and what they need to be told about one.
export {
  bearing,
  describeAuthProvider,
  type ProviderFixture,
  setupFor as authSetup,
} from '../../../libs/auth/src/testing/index.js';
export {
  describeCallPolicy,
  type PolicyExample,
  type PolicyHarness,
} from '../../../libs/proxy/src/testing/index.js';
export {
  type CredentialHarness,
  createPeer,
  describeUpstreamCredential,
  describeUpstreamTransport,
  lines,
  type PeerMessage,
  type PeerWire,
  type RunningPeer,
  type TargetSettings,
  type TransportHarness,
  testTarget,
} from '../../../libs/upstream/src/testing/index.js';
