import { createInterface } from 'node:readline/promises';
import type { ElicitRequest, ElicitResult } from '@modelcontextprotocol/sdk/types.js';
import { printable } from '../table.js';
import type { Terminal } from '../terminal.js';
import { parseArguments, UsageError } from './arguments.js';

/** Asks the person at the terminal what a tool wants to know. An empty answer to a required field declines. */
export async function answerElicitation(
  params: ElicitRequest['params'],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<ElicitResult> {
  if (params.mode === 'url') {
    terminal.err(`The tool asks you to visit a page, which this command cannot open: ${printable(params.url)}\n`);
    return { action: 'decline' };
  }
  terminal.err(`\n${printable(params.message)}\n`);
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const { properties, required = [] } = params.requestedSchema;
    const words: string[] = [];
    for (const [name, field] of Object.entries(properties)) {
      const answer = (await lines.question(prompt(name, field, required.includes(name)), { signal })).trim();
      if (answer !== '') words.push(`${name}=${answer}`);
      else if (required.includes(name) && !('default' in field)) return { action: 'decline' };
    }
    return { action: 'accept', content: parseArguments(words, params.requestedSchema) as ElicitResult['content'] };
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) return { action: 'cancel' };
    terminal.err(`${thrown.message}\n`);
    return { action: 'decline' };
  } finally {
    lines.close();
  }
}

function prompt(name: string, field: object, isRequired: boolean): string {
  const { title, description, enum: choices } = field as { title?: string; description?: string; enum?: unknown[] };
  const hints = [description, choices?.join(' | '), isRequired ? undefined : 'optional'].filter(Boolean);
  return `  ${printable(title ?? name)}${hints.length > 0 ? ` (${printable(hints.join('; '))})` : ''}: `;
}
