import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { maskSecrets } from '#libs/kernel';
import { UsageError } from '../client/arguments.js';
import type { Terminal } from '../terminal.js';
import { VERSION } from '../version.js';
import type { ExplainFlags } from './explain.js';
import type { ConfigFlags } from './load.js';

const DEFAULT_URL = 'http://127.0.0.1:8082/mcp';

interface LocatedFlags {
  readonly url: string;
  readonly token?: string;
}

interface ToolsFlags extends LocatedFlags {
  readonly json?: boolean;
}

interface StatusFlags extends LocatedFlags {
  readonly json?: boolean;
  readonly watch?: number | true;
}

interface CallFlags extends LocatedFlags {
  readonly json?: string;
  readonly raw?: boolean;
}

/** Runs one command line; returns the exit code. What a command needs is loaded only when it runs. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  let code = 0;
  const program = new Command('mcp-gateway')
    .description('One endpoint in front of all of your MCP servers')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) });
  configured(program.command('serve').description('start the gateway'))
    .option('--host <address>', 'listen on this address')
    .option('--port <number>', 'listen on this port')
    .option('--log-level <level>', 'debug, info, warn or error')
    .addOption(new Option('--log-format <format>', 'json or text'))
    .action(async (flags: ConfigFlags) => {
      const { runServe } = await import('./serve.js');
      code = await runServe(flags, terminal);
    });
  configured(program.command('validate').description('check the configuration file')).action(
    async (flags: ConfigFlags) => {
      const { runValidate } = await import('./validate.js');
      code = await runValidate(flags, terminal);
    },
  );
  configured(program.command('explain').description('say which rule decides about one thing, for whom, and why'))
    .argument('<object>', 'server:tool, prompts/server:name, resources/server:uri or templates/server:template')
    .option('--claims <json>', 'claims of the caller, as a token would carry them')
    .option('--token <token>', 'access token or API key; better in MCP_GATEWAY_TOKEN, where no process list shows it')
    .option('--json', 'print the explanation as JSON')
    .addHelpText('after', '\nExit code: 0 allowed, 3 step-up, 4 hidden, 1 when it cannot be told')
    .action(async (object: string, flags: ExplainFlags) => {
      const { runExplain } = await import('./explain.js');
      const given = flags.claims === undefined ? tokenOf(flags) : {};
      code = await runExplain(object, { ...flags, ...given }, terminal);
    });
  program
    .command('status')
    .description('show how the gateway and its servers are')
    .argument('[servers...]', 'only these')
    .option('--url <url>', 'endpoint of the gateway', DEFAULT_URL)
    .option('--token <token>', 'its metrics.token; better in MCP_GATEWAY_METRICS_TOKEN, where no process list shows it')
    .option('--json', 'print what the gateway says as JSON')
    .addOption(new Option('--watch [seconds]', 'look again and again, every 2 seconds by default').argParser(seconds))
    .addHelpText(
      'after',
      '\nExit code: 0 ready (with names: all of these serve), 1 not ready, 2 when it cannot be told',
    )
    .action(async (names: string[], flags: StatusFlags) => {
      const { runStatus } = await import('../client/status.js');
      const { signal } = abortOnInterrupt();
      const watch = flags.watch === true ? 2 : flags.watch;
      const token = flags.token ?? (process.env['MCP_GATEWAY_METRICS_TOKEN'] || undefined);
      const colour = terminal.outIsTty && !process.env['NO_COLOR'];
      code = await runStatus(names, { ...flags, watch, token, colour, signal }, terminal);
    });
  located(program.command('tools').description('list what an endpoint offers'))
    .argument('[filter]', "part of a name, or a pattern like 'files:*'")
    .option('--json', 'print the tools as JSON')
    .action(async (filter: string | undefined, flags: ToolsFlags) => {
      const { runTools } = await import('../client/tools.js');
      code = await runTools(filter, { ...flags, ...tokenOf(flags), version: VERSION }, terminal);
    });
  located(program.command('call').description('call one tool through the gateway'))
    .argument('<tool>', 'server:tool')
    .argument('[arguments...]', 'name=value, typed by the schema of the tool')
    .option('--json <object>', 'arguments as one JSON object')
    .option('--raw', 'print the whole result as JSON')
    .action(async (tool: string, words: string[], flags: CallFlags) => {
      const { runCall } = await import('../client/call.js');
      const { signal } = abortOnInterrupt();
      code = await runCall(tool, words, { ...flags, ...tokenOf(flags), version: VERSION, signal }, terminal);
    });
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

function configured(command: Command): Command {
  return command.option(
    '--config <file>',
    'configuration file; default: config/config.yaml, /etc/mcp-gateway/config.yaml',
  );
}

function located(command: Command): Command {
  return command
    .option('--url <url>', 'endpoint of the gateway', DEFAULT_URL)
    .option('--token <token>', 'access token or API key; better in MCP_GATEWAY_TOKEN, where no process list shows it');
}

/** The flag, else the environment. */
function tokenOf({ token = process.env['MCP_GATEWAY_TOKEN'] }: { readonly token?: string }): { token?: string } {
  return token === undefined || token === '' ? {} : { token };
}

function seconds(text: string): number {
  const value = Number(text);
  if (value >= 0.1 && value <= 86_400) return value;
  throw new InvalidArgumentError('It has to be a number of seconds.');
}

function abortOnInterrupt(): AbortController {
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  return abort;
}

/** Known failures are a sentence; anything else is a defect and shows its stack. */
function report(thrown: unknown, terminal: Terminal): number {
  if (thrown instanceof CommanderError) return thrown.exitCode;
  const known = thrown instanceof UsageError || (thrown instanceof Error && thrown.name === 'GatewayError');
  const text = thrown instanceof Error ? (known ? thrown.message : (thrown.stack ?? thrown.message)) : String(thrown);
  terminal.err(`mcp-gateway: ${maskSecrets(text)}\n`);
  return 1;
}
