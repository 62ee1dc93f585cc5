import { type FSWatcher, realpathSync, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { type Digests, digestAll } from '../load/digests.js';
import { readBounded } from '../yaml/secret-file.js';

const MAX_FILE = 1024 * 1024;

export interface WatchOptions {
  /** Milliseconds that a new content must stay the same before it counts. Default 200. */
  readonly debounce?: number;
  /** Milliseconds between looks at the files, for file systems without events. Default 2000. */
  readonly interval?: number;
  /** Further files that belong to the configuration, asked for at every look: what `${file:…}` named. */
  readonly files?: () => readonly string[];
  /** What the configuration in force was read from (`LoadedConfig.digests`). Default: what the files hold now. */
  readonly since?: Digests;
  /** `onChange` threw or rejected. */
  readonly onError?: (thrown: unknown) => void;
}

export interface ConfigWatch {
  close(): void;
}

/**
 * Calls `onChange` when the content of a configuration file, or of a file it refers to, has changed and settled. Works by
 * content, so it sees in-place writes, an editor's rename, and the symlink swap of a mounted ConfigMap alike; folder events
 * make it quick, looking every `interval` makes it sure. While the configuration file is absent nothing is called.
 */
export function watchConfig(file: string, onChange: () => unknown, options: WatchOptions = {}): ConfigWatch {
  return new Watcher(file, onChange, options);
}

class Watcher implements ConfigWatch {
  readonly #debounce: number;
  readonly #poll: NodeJS.Timeout;
  readonly #folders = new Map<string, FSWatcher>();
  /** What `onChange` was last told of. */
  readonly #known: Map<string, string>;
  /** New contents that have yet to prove stable. */
  #candidate: string | undefined;
  #stamp = '';
  #settle: NodeJS.Timeout | undefined;
  #telling = false;
  #closed = false;

  constructor(
    private readonly file: string,
    private readonly onChange: () => unknown,
    private readonly options: WatchOptions,
  ) {
    this.#debounce = options.debounce ?? 200;
    this.#known = new Map(options.since ?? this.#digests());
    this.#poll = setInterval(() => this.#look(), options.interval ?? 2000);
    this.#poll.unref();
    this.#follow();
    this.#soon();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#settle);
    for (const folder of this.#folders.values()) folder.close();
    this.#folders.clear();
  }

  /** A cheap look: only when a file's identity changed is it read. */
  #look(): void {
    this.#follow();
    const stamp = this.#all().map(stampOf).join('\n');
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    this.#soon();
  }

  /** Never put off by further events, so that a busy folder cannot starve it. */
  #soon(): void {
    if (this.#closed || this.#settle) return;
    this.#settle = setTimeout(() => {
      this.#settle = undefined;
      if (this.#telling) this.#soon();
      else this.#compare();
    }, this.#debounce);
    this.#settle.unref();
  }

  #compare(): void {
    this.#follow();
    const now = this.#digests();
    // a file that is named for the first time was read by the load that named it
    for (const [path, digest] of now) if (path !== this.file && !this.#known.has(path)) this.#known.set(path, digest);
    const changed = [...now].filter(([path, digest]) => this.#known.get(path) !== digest);
    const candidate = changed.length === 0 ? undefined : changed.join();
    const settled = candidate !== undefined && candidate === this.#candidate;
    this.#candidate = settled ? undefined : candidate;
    if (candidate === undefined) return;
    if (!settled) {
      this.#soon();
      return;
    }
    for (const [path, digest] of changed) this.#known.set(path, digest);
    void this.#tell();
  }

  async #tell(): Promise<void> {
    this.#telling = true;
    try {
      await this.onChange();
    } catch (thrown) {
      this.options.onError?.(thrown);
    } finally {
      this.#telling = false;
    }
  }

  #all(): readonly string[] {
    return [this.file, ...(this.options.files?.() ?? [])];
  }

  /** Nothing while the configuration file is absent; other files that are absent are left out. */
  #digests(): Digests {
    const digests = digestAll(this.#all().map((path) => [path, readOrNothing(path)] as const));
    return digests.has(this.file) ? digests : new Map();
  }

  /** Watches the folders the files are in, by name and where their links lead, and drops those no longer needed. */
  #follow(): void {
    if (this.#closed) return;
    const wanted = new Set(this.#all().flatMap((path) => [dirname(path), dirname(realOf(path))]));
    for (const [folder, watcher] of this.#folders) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.#folders.delete(folder);
    }
    for (const folder of wanted) if (!this.#folders.has(folder)) this.#watch(folder);
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#soon());
      const drop = () => {
        if (this.#folders.get(folder) === watcher) this.#folders.delete(folder);
        watcher.close();
      };
      watcher.on('error', drop);
      this.#folders.set(folder, watcher);
    } catch {
      // no such folder now, or no watches left: the next look tries again
    }
  }
}

function readOrNothing(path: string): Buffer | undefined {
  try {
    return readBounded(path, MAX_FILE);
  } catch {
    return undefined;
  }
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function stampOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat ? `${realOf(path)} ${stat.dev}:${stat.ino} ${stat.mtimeNs} ${stat.size}` : `${path} absent`;
}
