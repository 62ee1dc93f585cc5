import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ROOT } from '../support/processes.js';

/** What `tools.mjs` brings: the path of a program or folder, or undefined where it could not be had. */
export function tool(name: string, file = name): string | undefined {
  const brought = join(ROOT, '.cache/deploy-tools', name, file);
  if (existsSync(brought)) return brought;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, file)).find((path) => existsSync(path));
}

/** For the title of tests that are skipped without it. */
export const needing = (what: string, ...tools: readonly (string | undefined)[]): string =>
  tools.every((path) => path !== undefined) ? '' : ` (SKIPPED: needs ${what}; npm run deploy:tools)`;
