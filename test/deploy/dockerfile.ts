import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/processes.js';

export interface Instruction {
  /** `FROM`, `RUN`, … */
  readonly name: string;
  /** `--from=build` and the like, without the dashes. */
  readonly flags: Readonly<Record<string, string>>;
  /** What follows the flags, on one line. */
  readonly text: string;
}

export interface Stage {
  readonly name: string;
  /** The stage it continues, or an image. */
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

/** The Dockerfile, read as far as its checks need it; whether it is one at all is hadolint's to say. */
export function stages(text = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')): ReadonlyMap<string, Stage> {
  const found = new Map<string, { name: string; from: string; instructions: Instruction[] }>();
  let current: Instruction[] | undefined;
  for (const instruction of instructions(text)) {
    if (instruction.name === 'FROM') {
      const [from = '', , name = ''] = instruction.text.split(/\s+/);
      current = [];
      found.set(name, { name, from, instructions: current });
    } else {
      current?.push(instruction);
    }
  }
  return found;
}

/** A stage's instructions after those of the stages it continues. */
export function inherited(all: ReadonlyMap<string, Stage>, name: string): readonly Instruction[] {
  const stage = all.get(name);
  if (!stage) return [];
  return [...inherited(all, stage.from), ...stage.instructions];
}

function instructions(text: string): Instruction[] {
  const withoutComments = text.replace(/^\s*#.*\n/gm, '');
  return withoutComments
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^\s*(\S+)\s+(.*)$/.exec(line) ?? [];
      const flags: Record<string, string> = {};
      const remaining = rest.replace(/^(?:--([a-z-]+)=(\S+)\s+)*/, (all) => {
        for (const [, key = '', value = ''] of all.matchAll(/--([a-z-]+)=(\S+)/g)) flags[key] = value;
        return '';
      });
      return { name: name.toUpperCase(), flags, text: remaining.trim() };
    });
}

/** The last one of a kind: Docker takes no other into account. */
export function last(of: readonly Instruction[], name: string): string | undefined {
  return of.filter((instruction) => instruction.name === name).at(-1)?.text;
}

/** `ENV` of a stage. */
export function environment(of: readonly Instruction[]): Record<string, string> {
  const pairs = of
    .filter(({ name }) => name === 'ENV')
    .flatMap(({ text }) => [...text.matchAll(/(\w+)=(\S+)/g)])
    .map(([, key = '', value = '']) => [key, value]);
  return Object.fromEntries(pairs);
}
