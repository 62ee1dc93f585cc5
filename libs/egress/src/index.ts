export { type AddressKind, addressKind, inNetwork } from './addresses.js';
export { ClientPool, type ClientPoolOptions } from './client-pool.js';
export { EgressClient, EgressError, type JsonAnswer, type JsonRequest } from './egress-client.js';
export { EgressGuard, type EgressPolicy, type Lookup, type Trust } from './egress-guard.js';
export { type ConnectSettings, guardedConnect, type TlsOptions } from './guarded-connect.js';
