import {
  chmodSync,
  constants,
  copyFileSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a file in one step, so that no reader meets half of it, and keeps the old one beside it. A symbolic link stays one.
 * Returns the backup's path, or undefined when there was nothing to keep.
 */
export function replaceFile(file: string, text: string, now: Date): string | undefined {
  const old = statSync(file, { throwIfNoEntry: false });
  const target = old ? realpathSync(file) : file;
  mkdirSync(dirname(target), { recursive: true });
  const backup = old ? backUp(target, now) : undefined;
  const draft = `${target}.${process.pid}.new`;
  try {
    writeFileSync(draft, text, { mode: old ? old.mode & 0o777 : 0o666, flag: 'wx' });
    // Whoever could read it still can, whatever the umask.
    if (old) chmodSync(draft, old.mode & 0o777);
    renameSync(draft, target);
  } catch (thrown) {
    rmSync(draft, { force: true });
    throw thrown;
  }
  return backup;
}

/** `file.2026-11-26T18-30-00.bak`; never over an earlier one. */
function backUp(file: string, now: Date): string {
  const stamp = now.toISOString().slice(0, 19).replaceAll(':', '-');
  for (let count = 1; ; count += 1) {
    const backup = `${file}.${stamp}${count === 1 ? '' : `-${count}`}.bak`;
    try {
      copyFileSync(file, backup, constants.COPYFILE_EXCL);
      return backup;
    } catch (thrown) {
      if ((thrown as { code?: unknown }).code !== 'EEXIST') throw thrown;
    }
  }
}
