export { type Asked, Conversation, type Message, type TargetSettings, testTarget } from './conversation.js';
export { type CredentialHarness, describeUpstreamCredential } from './credential-contract.js';
export { type HttpPeer, type HttpPeerKind, serveHttpPeer } from './peer/http-peer.js';
export { createPeer, lines, type PeerMessage, type PeerWire } from './peer/peer.js';
export { describeUpstreamTransport, type RunningPeer, type TransportHarness } from './transport-contract.js';
