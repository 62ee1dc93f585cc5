import { type Era, Lru, type Spelling } from '#libs/kernel';
import { exposeUri, type ListKind, projectOutputSchema, rewriteItem } from '#libs/mcp';
import type { ServerEntry } from '../entry.js';
import { remembered } from '../remembered.js';
import { exposedAs } from './name-table.js';
import type { ScopeItem } from './scope-item.js';

/** All items of one upstream's list in one spelling, one behind the other. */
interface Block {
  readonly bytes: Buffer;
  /** Where each item starts; one more for the end. */
  readonly offsets: Uint32Array;
}

/** One page of a list. */
export interface Page {
  /** The whole result when `last` is absent, else the result up to the last item. */
  readonly bytes: Buffer;
  /** Index of the page's last item, when more follow. */
  readonly last?: number;
}

/**
 * What was encoded, bounded by bytes: items once per upstream list and spelling, pages once per content of a view.
 * Keys are content, so a new generation finds what did not change, and what did simply ages out.
 */
export class ListCache {
  #blocks: Lru<string, Block>;
  #pages: Lru<string, Page>;

  constructor(private bound: number) {
    [this.#blocks, this.#pages] = caches(bound);
  }

  get bytes(): number {
    return this.#blocks.weight + this.#pages.weight;
  }

  /** Sets the bound anew; everything is encoded again when next asked for. */
  resize(bytes: number): void {
    if (bytes === this.bound) return;
    this.bound = bytes;
    [this.#blocks, this.#pages] = caches(bytes);
  }

  page(key: string, build: () => Page): Page {
    return remembered(this.#pages, key, build);
  }

  /** Reads encoded items; keeps the last block at hand, since items come in runs of one upstream. */
  encoder(kind: ListKind, bare: boolean, spelling: Spelling, era: Era): (scoped: ScopeItem) => Buffer {
    let at: ServerEntry | undefined;
    let block: Block | undefined;
    return ({ entry, position }) => {
      if (!block || at !== entry) {
        at = entry;
        block = this.#block(entry, kind, bare, spelling, era === 'legacy' && entry.lists[kind].wraps);
      }
      return block.bytes.subarray(block.offsets[position], block.offsets[position + 1]);
    };
  }

  #block(entry: ServerEntry, kind: ListKind, bare: boolean, spelling: Spelling, wrap: boolean): Block {
    const key = `${entry.lists[kind].stamp} ${bare} ${wrap} ${spelling.maxLength} ${spelling.separator}`;
    return remembered(this.#blocks, key, () => encodeBlock(entry, kind, bare, spelling, wrap));
  }
}

/** Two halves, so that neither kind can push the other out. */
function caches(bytes: number): [Lru<string, Block>, Lru<string, Page>] {
  const half = Math.floor(bytes / 2);
  return [
    new Lru<string, Block>(half, ({ bytes, offsets }) => bytes.length + offsets.byteLength),
    new Lru<string, Page>(half, (page) => page.bytes.length),
  ];
}

function encodeBlock(entry: ServerEntry, kind: ListKind, bare: boolean, spelling: Spelling, wrap: boolean): Block {
  const { items } = entry.lists[kind];
  const offsets = new Uint32Array(items.length + 1);
  const encoded = items.map((item, position) => {
    const exposed = encodeItem({ entry, item, position }, kind, bare, spelling);
    const bytes = wrap && item.wrapsOutput ? projectOutputSchema(exposed) : exposed;
    offsets[position + 1] = (offsets[position] ?? 0) + bytes.length;
    return bytes;
  });
  return { bytes: Buffer.concat(encoded), offsets };
}

function encodeItem(scoped: ScopeItem, kind: ListKind, bare: boolean, spelling: Spelling): Buffer {
  const { name: own } = scoped.item.ref;
  const exposed = exposedAs(kind, scoped, bare, spelling);
  const { prefix } = scoped.entry;
  const map = bare ? {} : { map: (uri: string) => exposeUri(prefix, uri) };
  if (exposed === own) return rewriteItem(scoped.item.raw, map);
  switch (kind) {
    case 'tools':
    case 'prompts':
      return rewriteItem(scoped.item.raw, { ...map, name: exposed });
    case 'resources':
      return rewriteItem(scoped.item.raw, { ...map, uri: exposed });
    case 'templates':
      return rewriteItem(scoped.item.raw, { ...map, uriTemplate: exposed });
  }
}
