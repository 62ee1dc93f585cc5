export type { CallSink, UpstreamCall, UpstreamDirectory, UpstreamEvents, UpstreamHandle } from './contract.js';
