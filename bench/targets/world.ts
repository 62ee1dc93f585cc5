import { DEFAULT_SHAPE, type Era, type Shape } from './shape.ts';

/** What stands around the target of a case. Cases with equal worlds share their processes. */
export interface World {
  /** Era of the clients. */
  readonly client: Era;
  readonly upstream: Shape;
  readonly upstreams: number;
  /** Permission patterns, where there are permissions. */
  readonly patterns: number;
  /** Client sessions that may be open at once. */
  readonly sessions: number;
  /** The last upstream takes connections and never answers. */
  readonly lastHangs?: boolean;
}

export const DEFAULT_WORLD: World = {
  client: 'legacy',
  upstream: DEFAULT_SHAPE,
  upstreams: 20,
  patterns: 200,
  sessions: 1000,
};

/** What the bare proxy and the direct baseline talk to: they bridge nothing, so it is of the client's era. */
export function sameEra({ client, upstream }: World): Shape {
  return { ...upstream, era: client, state: client === 'modern' ? 'none' : upstream.state };
}
