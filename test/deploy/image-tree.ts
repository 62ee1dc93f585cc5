import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, posix } from 'node:path';
import { ROOT } from '../support/processes.js';
import { type Instruction, inherited, stages } from './dockerfile.js';

/** The files of the image that are ours, laid out in a folder by the COPY instructions of the Dockerfile itself. */
export class ImageTree {
  private constructor(
    readonly root: string,
    readonly instructions: readonly Instruction[],
  ) {}

  /** `variant`: a stage of the Dockerfile. */
  static build(variant: string): ImageTree {
    const root = mkdtempSync(join(tmpdir(), 'mcp-gateway-image-'));
    const all = inherited(stages(), variant);
    const tree = new ImageTree(root, all);
    let workdir = '/';
    for (const { flags, name, text } of all) {
      if (name === 'WORKDIR') workdir = posix.resolve(workdir, text);
      if (name === 'COPY') tree.#copy(flags['from'], text.split(/\s+/), workdir);
    }
    return tree;
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #copy(stage: string | undefined, paths: readonly string[], workdir: string): void {
    const target = posix.resolve(workdir, paths.at(-1) ?? '');
    for (const source of paths.slice(0, -1)) {
      // COPY of a file to a folder keeps the file's name, COPY of a folder copies what is in it.
      const into = (paths.at(-1) ?? '').endsWith('/') ? posix.join(target, basename(source)) : target;
      const from = this.#source(stage, source);
      if (from === undefined) continue;
      mkdirSync(join(this.root, posix.dirname(into)), { recursive: true });
      // What was made for the image alone is moved: these are thousands of files.
      if (stage === 'dependencies') renameSync(from, join(this.root, into));
      else cpSync(from, join(this.root, into), { recursive: true, verbatimSymlinks: true });
    }
  }

  /** Where a file of a stage is here. Programs of other people are not ours to copy. */
  #source(stage: string | undefined, path: string): string | undefined {
    if (stage === undefined) return join(ROOT, path);
    if (stage === 'build') return join(ROOT, posix.relative('/src', path));
    if (stage === 'dependencies') return join(this.#dependencies(), posix.relative('/src', path));
    return undefined;
  }

  /** `npm ci` as the Dockerfile calls it, in a folder with nothing but the two files it copies there. */
  #dependencies(): string {
    const folder = join(this.root, 'stages/dependencies');
    mkdirSync(folder, { recursive: true });
    for (const file of ['package.json', 'package-lock.json']) cpSync(join(ROOT, file), join(folder, file));
    const command = stages()
      .get('dependencies')
      ?.instructions.find(({ name }) => name === 'RUN')?.text;
    const [npm = '', ...args] = (command ?? '').split(/\s+/);
    execFileSync(npm, [...args, '--prefer-offline'], { cwd: folder, stdio: 'pipe', timeout: 240_000 });
    return folder;
  }
}
