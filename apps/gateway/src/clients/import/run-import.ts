import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Document } from 'yaml';
import { messageOf } from '#libs/kernel';
import { UsageError } from '../../client/arguments.js';
import { printable } from '../../table.js';
import type { Terminal } from '../../terminal.js';
import { serversIn } from './client-servers.js';
import { type Imported, importServers } from './import-servers.js';

export interface ImportOptions {
  readonly out?: string;
  readonly json?: boolean;
}

/** Turns a client's file into a configuration of the gateway; returns the exit code. @throws UsageError */
export function runImport(file: string, options: ImportOptions, terminal: Terminal): number {
  const imported = importServers(serversIn(contents(file), file));
  const yaml = configurationText(imported, basename(file));
  if (options.out !== undefined) write(options.out, yaml);
  const { notes } = imported;
  // Names and places alone: the values are what must not be shown.
  const variables = imported.variables.map(({ name, from }) => ({ name, from }));
  if (options.json) {
    terminal.out(`${JSON.stringify({ configuration: yaml, out: options.out, variables, notes }, null, 2)}\n`);
    return 0;
  }
  if (options.out === undefined) terminal.out(yaml);
  for (const note of notes) terminal.err(`note: ${printable(note)}\n`);
  if (variables.length > 0) terminal.err('\nSet these variables where the gateway starts:\n');
  for (const { name, from } of variables) terminal.err(`  ${name}   (${printable(from)})\n`);
  if (options.out !== undefined) {
    terminal.err(`\nwrote ${options.out}; next: mcp-gateway validate --config ${options.out}\n`);
  }
  return 0;
}

/** The file as text, with its origin and its variables on top. */
export function configurationText({ servers, variables }: Imported, origin: string): string {
  const document = new Document({ proxy: { servers } });
  const needs = variables.map(({ name }) => name).join(', ');
  document.commentBefore = [
    ` Imported from ${origin}.`,
    ...(needs === '' ? [] : [` Needs in its environment: ${needs}.`]),
  ].join('\n');
  return document.toString({ lineWidth: 0 });
}

function contents(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new UsageError(`${file} cannot be read: ${messageOf(thrown)}`);
  }
}

function write(out: string, text: string): void {
  try {
    writeFileSync(out, text, { flag: 'wx' });
  } catch (thrown) {
    const exists = (thrown as { code?: unknown }).code === 'EEXIST';
    throw new UsageError(
      exists
        ? `${out} is there already; name another file, or take it away first`
        : `${out} cannot be written: ${messageOf(thrown)}`,
    );
  }
}
