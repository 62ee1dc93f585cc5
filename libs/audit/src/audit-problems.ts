import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { AuditConfig, Problem } from '#libs/config';
import { whyNot } from './audit-file.js';

/** Where the lines go; relative paths start in the configuration file's folder. */
export function auditPath({ to }: AuditConfig, folder: string): string | undefined {
  return to === 'off' || to === 'stdout' ? undefined : resolve(folder, to);
}

/** Why this configuration's audit file could not be written, found without touching it. */
export function auditProblems(config: AuditConfig, folder: string): readonly Problem[] {
  const path = auditPath(config, folder);
  const reason = path === undefined ? undefined : obstacle(path);
  return path === undefined || reason === undefined ? [] : [{ path: '$.audit.to', message: refusal(path, reason) }];
}

export function refusal(path: string, reason: string): string {
  return `the audit file ${path} cannot be written: ${reason}. Create its folder or correct its rights, or name another file, stdout or off`;
}

function obstacle(path: string): string | undefined {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there?.isDirectory()) return 'it is a folder';
    if (there && !there.isFile() && !there.isCharacterDevice()) return 'it is not a regular file';
    accessSync(there ? path : dirname(path), constants.W_OK);
    return there || statSync(dirname(path)).isDirectory() ? undefined : 'its folder does not exist';
  } catch (thrown) {
    return whyNot(thrown);
  }
}
