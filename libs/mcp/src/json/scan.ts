import type { JsonView } from './view.js';

export interface ScanLimits {
  /** Deepest nesting accepted, counting the outermost value as 1. */
  readonly depth: number;
  /** Most values (objects, arrays, scalars) accepted. */
  readonly nodes: number;
  /** Whether a repeated object key (compared decoded) is refused. */
  readonly uniqueKeys: boolean;
}

export interface ScanFault {
  readonly offset: number;
  readonly reason: string;
}

/**
 * One strict pass over the bytes: RFC 8259 grammar, valid UTF-8, no BOM, nothing behind the value, depth and node
 * limits, unique keys. Returns a view whose first three levels of members are indexed, or the fault.
 */
export function scan(_bytes: Buffer, _limits: ScanLimits): JsonView | ScanFault {
  throw new Error('pending');
}
