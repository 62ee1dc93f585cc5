import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from '../support/processes.js';

const HERE = join(ROOT, 'test/requirements');

export interface Rule {
  readonly id: string;
  /** The page the rule comes from. */
  readonly spec: string;
  /** What the gateway does, in one line. */
  readonly rule: string;
  /** `file > title` of the tests that prove it. */
  readonly tests?: readonly string[];
  /** Scenarios of the conformance suite that prove it. */
  readonly suite?: readonly string[];
  /** Why there is nothing to prove. */
  readonly none?: string;
}

const read = (file: string): unknown => parse(readFileSync(join(HERE, file), 'utf8'), { uniqueKeys: true });

/** Short names of files -> their paths. */
export const FILES = read('files.yaml') as Readonly<Record<string, string>>;

export const RULES: readonly Rule[] = readdirSync(HERE)
  .filter((file) => /^rules-.*\.yaml$/.test(file))
  .flatMap((file) =>
    Object.entries(read(file) as Record<string, Omit<Rule, 'id'>>).map(([id, rule]) => ({ id, ...rule })),
  );
