import type { ItemLimits } from './ingest/item-limits.js';

/** One configured upstream, as far as names and lists go. */
export interface CatalogueServer {
  readonly name: string;
  /** What clients see in front of names and URIs; null means the name. */
  readonly prefix: string | null;
  /** Globs (`*`) over the upstream's own tool names. */
  readonly tools: {
    readonly include: readonly string[];
    readonly exclude: readonly string[];
    /** By the upstream's own names. Absent: none. */
    readonly overrides?: Readonly<Record<string, ToolOverride>>;
  };
}

/** What clients see of one tool instead of what its upstream says. */
export interface ToolOverride {
  /** Takes the place of the own name in names that clients see. */
  readonly name?: string | undefined;
  readonly description?: string | undefined;
}

/** A named selection across upstreams, served at `/mcp/<name>`. Globs (`*`) over `server:name`. */
export interface CatalogueToolset {
  readonly name: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** The part of the configuration the catalogue follows. Servers come in configured order, which is the order of lists. */
export interface CatalogueSettings {
  readonly servers: readonly CatalogueServer[];
  readonly toolsets: readonly CatalogueToolset[];
  /** Bytes of encoded lists to keep. Absent: unchanged. */
  readonly listCacheBytes?: number;
  /** What upstreams' items are held to. Absent: unchanged. */
  readonly itemLimits?: ItemLimits;
}

/** Constants of one process; tests make them small. */
export class CatalogueOptions {
  /** Bytes of encoded items and lists to keep; the least recently used go first. */
  listCacheBytes = 64 * 1024 * 1024;
  /** Most items of one page. */
  pageItems = 2_000;
  /** A page ends after the item that takes it past this many bytes. */
  pageBytes = 2 * 1024 * 1024;
  /** 32 bytes that seal cursors; random per process when absent. */
  cursorKey: Buffer | undefined = undefined;
  /** Milliseconds a cursor stays good. */
  cursorLifetime = 10 * 60_000;
  now: () => number = Date.now;
}
