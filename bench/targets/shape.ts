export type Era = 'legacy' | 'modern';

export const LEGACY_VERSION = '2025-11-25';
export const MODERN_VERSION = '2026-07-28';

/** How one upstream behaves. It stands in its path, so one process is every upstream of every case. */
export interface Shape {
  readonly era: Era;
  readonly reply: 'json' | 'sse';
  readonly tools: number;
  /** Milliseconds before a tool answers. */
  readonly delay: number;
  /** Legacy only: whether `initialize` hands out session ids, which later requests must bring. */
  readonly state: 'none' | 'sessions';
}

export const DEFAULT_SHAPE: Shape = { era: 'legacy', reply: 'json', tools: 10, delay: 0, state: 'none' };

/** Of an upstream that never answers. */
export const HUNG_PATH = '/hung';

export function pathOf(shape: Shape, name: string): string {
  return `/${shape.era}/${shape.reply}/${shape.tools}/${shape.delay}/${shape.state}/${name}`;
}

/** @returns undefined for a path that is no upstream's */
export function shapeOf(path: string): Shape | undefined {
  const match = /^\/(legacy|modern)\/(json|sse)\/(\d{1,5})\/(\d{1,5})\/(none|sessions)\/[a-z0-9-]+$/.exec(path);
  if (!match) return undefined;
  const [, era, reply, tools, delay, state] = match;
  return { era, reply, tools: Number(tools), delay: Number(delay), state } as Shape;
}

/** `u00`, `u01`, …: names of upstreams. */
export function upstreamName(index: number): string {
  return `u${String(index).padStart(2, '0')}`;
}
