/** What one item of a list may be, in bytes. */
export interface ItemLimits {
  readonly item: number;
  readonly schema: number;
  readonly description: number;
}

/** The defaults of `proxy.discovery`. */
export const ITEM_LIMITS: ItemLimits = { item: 1024 * 1024, schema: 256 * 1024, description: 8 * 1024 };

/** Places in the configuration. */
export const LIMIT_KEYS = {
  item: 'proxy.discovery.item',
  schema: 'proxy.discovery.schema',
  description: 'proxy.discovery.description',
} as const;
