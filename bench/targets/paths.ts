import { fileURLToPath } from 'node:url';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

export const ROOT = path('../../');
export const GATEWAY_BIN = path('../../bin/mcp-gateway.js');
export const UPSTREAM_SCRIPT = path('./upstream.ts');
export const FLOOR_SCRIPT = path('./floor.mjs');
export const NEST_SCRIPT = path('./nest.mjs');
