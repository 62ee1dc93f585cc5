import { Command, CommanderError } from 'commander';
import { maskSecrets, sourceStack } from '#libs/kernel';
import { UsageError } from '../client/arguments.js';
import { type Terminal, wantsColour } from '../terminal.js';
import { VERSION } from '../version.js';
import { addClientCommands } from './client-commands.js';
import { examples } from './command-kit.js';
import { addOperatorCommands } from './operator-commands.js';
import { addSetupCommands } from './setup-commands.js';

/** Runs one command line; returns the exit code. What a command needs is loaded only when it runs. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  let code = 0;
  const exit = (value: number) => {
    code = value;
  };
  const program = new Command('mcp-gateway')
    .description('One endpoint in front of all of your MCP servers')
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      getOutHelpWidth: () => terminal.columns,
      getOutHasColors: () => wantsColour(terminal),
      getErrHasColors: () => false,
    })
    .configureHelp({ styleTitle: (title) => `\u001b[1m${title}\u001b[0m` })
    .showHelpAfterError('(mcp-gateway --help lists the commands, mcp-gateway <command> --help shows examples)');
  addOperatorCommands(program, { terminal, exit });
  addClientCommands(program, { terminal, exit });
  addSetupCommands(program, { terminal, exit });
  examples(
    program,
    'mcp-gateway serve                       # the demo, where there is no configuration file',
    'mcp-gateway call demo:add a=2 b=3       # in a second terminal',
  );
  try {
    await program.parseAsync(withCommand(args), { from: 'user' });
    return code;
  } catch (thrown) {
    return report(thrown, terminal);
  }
}

/** Without a command it is `serve`. */
function withCommand(args: readonly string[]): readonly string[] {
  const [first] = args;
  const isServe = first === undefined || (first.startsWith('-') && !/^(-h|--help|-V|--version)$/.test(first));
  return isServe ? ['serve', ...args] : args;
}

/** Known failures are a sentence; anything else is a defect and shows its stack. */
function report(thrown: unknown, terminal: Terminal): number {
  if (thrown instanceof CommanderError) return thrown.exitCode;
  const known = thrown instanceof UsageError || (thrown instanceof Error && thrown.name === 'GatewayError');
  terminal.err(`mcp-gateway: ${maskSecrets(known ? thrown.message : defect(thrown))}\n`);
  return 1;
}

function defect(thrown: unknown): string {
  return thrown instanceof Error ? sourceStack(thrown.stack ?? thrown.message) : String(thrown);
}
