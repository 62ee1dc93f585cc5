import { callCases, connectCases } from './calls.ts';
import type { Case } from './case.ts';
import { growthCases } from './growth.ts';
import { hungCase } from './hung.ts';
import { idleCases } from './idle.ts';
import { listCases } from './lists.ts';
import { startCase } from './start.ts';

/** Every case, those of one world side by side. */
function allCases(): Case[] {
  return [...callCases(), ...connectCases(), ...listCases(), startCase(), ...idleCases(), ...growthCases(), hungCase()];
}

/** The cases with these names; `*` stands for any text. @throws Error naming the known ones for a name that fits none */
export function chosenCases(names: readonly string[]): Case[] {
  const cases = allCases();
  if (names.length === 0) return cases;
  for (const name of names) {
    if (cases.some((one) => fits(one.name, name))) continue;
    throw new Error(`there is no case ${name}; there are\n  ${cases.map((one) => one.name).join('\n  ')}`);
  }
  return cases.filter((one) => names.some((name) => fits(one.name, name)));
}

function fits(name: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(name);
}
