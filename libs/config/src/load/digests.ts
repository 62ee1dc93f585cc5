import { createHash } from 'node:crypto';

/** What files held, by absolute path. A file that could not be read has no entry. */
export type Digests = ReadonlyMap<string, string>;

export function digestAll(contents: Iterable<readonly [path: string, content: Buffer | undefined]>): Digests {
  const digests = new Map<string, string>();
  for (const [path, content] of contents) {
    if (content) digests.set(path, createHash('sha256').update(content).digest('base64'));
  }
  return digests;
}
