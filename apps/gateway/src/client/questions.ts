import { createInterface } from 'node:readline/promises';
import type { ElicitRequest, ElicitResult } from '@modelcontextprotocol/sdk/types.js';
import { printable } from '../table.js';
import type { Terminal } from '../terminal.js';
import { parseArguments, UsageError } from './arguments.js';

/** How often one field is asked for before the question is declined. */
const TRIES = 3;

/**
 * Asks the person at the terminal what a tool wants to know. An answer that does not fit is asked for again; an empty one to
 * a required field declines.
 */
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
  const ask = (text: string) => lines.question(text, { signal });
  try {
    const content = await answers(params.requestedSchema, ask, terminal);
    return content === undefined ? { action: 'decline' } : { action: 'accept', content };
  } catch {
    return { action: 'cancel' };
  } finally {
    lines.close();
  }
}

type Form = Extract<ElicitRequest['params'], { requestedSchema: unknown }>['requestedSchema'];
type Content = NonNullable<ElicitResult['content']>;

/** The values of a form, one field after the other; undefined when somebody would rather not say. */
export async function answers(
  form: Form,
  ask: (prompt: string) => Promise<string>,
  terminal: Pick<Terminal, 'err'>,
): Promise<Content | undefined> {
  const content: Content = {};
  for (const [name, field] of Object.entries(form.properties)) {
    const isRequired = form.required?.includes(name) ?? false;
    let tries = 0;
    for (;;) {
      const answer = (await ask(prompt(name, field, isRequired))).trim();
      if (answer === '') {
        if (isRequired && !('default' in field)) return undefined;
        break;
      }
      try {
        Object.assign(content, parseArguments([`${name}=${answer}`], form));
        break;
      } catch (thrown) {
        if (!(thrown instanceof UsageError)) throw thrown;
        terminal.err(`  ${printable(thrown.message)}\n`);
        if (++tries === TRIES) return undefined;
      }
    }
  }
  return content;
}

function prompt(name: string, field: object, isRequired: boolean): string {
  const { title, description, enum: choices } = field as { title?: string; description?: string; enum?: unknown[] };
  const hints = [description, choices?.join(' | '), isRequired ? undefined : 'optional'].filter(Boolean);
  return `  ${printable(title ?? name)}${hints.length > 0 ? ` (${printable(hints.join('; '))})` : ''}: `;
}
