import { type Command, InvalidArgumentError } from 'commander';
import { DEFAULT_URL } from '../client/reach.js';
import type { Terminal } from '../terminal.js';

/** What a group of commands gets to work with. */
export interface CommandDesk {
  readonly terminal: Terminal;
  /** Says with which code the process ends. */
  exit(code: number): void;
}

export interface LocatedFlags {
  readonly url: string;
  readonly token?: string;
}

export function configured(command: Command): Command {
  return command.option(
    '--config <file>',
    'configuration file; default: config/config.yaml, /etc/mcp-gateway/config.yaml',
  );
}

export function located(command: Command): Command {
  return command
    .option('--url <url>', 'endpoint of the gateway', DEFAULT_URL)
    .option('--token <token>', 'access token or API key; better in MCP_GATEWAY_TOKEN, where no process list shows it');
}

/** The flag, else the environment. */
export function tokenOf({ token = process.env['MCP_GATEWAY_TOKEN'] }: { readonly token?: string }): { token?: string } {
  return token === undefined || token === '' ? {} : { token };
}

/** Lines that work as they stand, below the help of a command. */
export function examples(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

export function seconds(text: string): number {
  const value = Number(text);
  if (value >= 0.1 && value <= 86_400) return value;
  throw new InvalidArgumentError('It has to be a number of seconds.');
}

export function abortOnInterrupt(): AbortSignal {
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  return abort.signal;
}
