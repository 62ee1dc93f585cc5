import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadedConfig, type LoadOptions, loadConfig } from '../load/load-config.js';
import { ConfigError, type Problem } from '../load/problems.js';

/** Loads a configuration from its text, through a real file. */
export function loadText(text: string | Buffer, options: Partial<LoadOptions> = {}): LoadedConfig {
  const folder = mkdtempSync(join(tmpdir(), 'config-'));
  try {
    const file = join(folder, 'config.yaml');
    writeFileSync(file, text);
    const loaded = loadConfig({ env: {}, ...options, file });
    if (loaded.kind === 'none') throw new Error('no configuration');
    return loaded;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is wrong with a configuration; empty when nothing is. */
export function problemsOf(text: string | Buffer, options: Partial<LoadOptions> = {}): readonly Problem[] {
  try {
    loadText(text, options);
    return [];
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems;
    throw thrown;
  }
}

/** Each problem as `path: message`. */
export function problemLines(text: string | Buffer, options: Partial<LoadOptions> = {}): readonly string[] {
  return problemsOf(text, options).map(({ path, message }) => `${path}: ${message}`);
}
