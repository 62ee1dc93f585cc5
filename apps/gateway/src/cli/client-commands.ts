import { type Command, Option } from 'commander';
import { DEFAULT_URL } from '../client/reach.js';
import { wantsColour } from '../terminal.js';
import { VERSION } from '../version.js';
import {
  abortOnInterrupt,
  type CommandDesk,
  examples,
  type LocatedFlags,
  located,
  seconds,
  tokenOf,
} from './command-kit.js';

interface ToolsFlags extends LocatedFlags {
  readonly json?: boolean;
  readonly schema?: boolean;
}

interface StatusFlags extends LocatedFlags {
  readonly json?: boolean;
  readonly watch?: number | true;
}

interface StdioFlags extends LocatedFlags {
  readonly tokenEnv?: string;
  readonly tokenFile?: string;
}

interface CallFlags extends LocatedFlags {
  readonly json?: string | true;
  readonly raw?: boolean;
}

/** Commands for whoever uses a gateway that runs. */
export function addClientCommands(program: Command, { terminal, exit }: CommandDesk): void {
  const status = program
    .command('status')
    .description('show how the gateway and its servers are')
    .argument('[servers...]', 'only these')
    .option('--url <url>', 'endpoint of the gateway', DEFAULT_URL)
    .option('--token <token>', 'its metrics.token; better in MCP_GATEWAY_METRICS_TOKEN, where no process list shows it')
    .option('--json', 'print what the gateway says as JSON')
    .addOption(new Option('--watch [seconds]', 'look again and again, every 2 seconds by default').argParser(seconds))
    .addHelpText(
      'after',
      '\nTOOLS is what a server lists by itself; what of it a caller is shown, `mcp-gateway tools` has\nExit code: 0 ready (with names: all of these serve), 1 not ready, 2 when it cannot be told',
    )
    .action(async (names: string[], flags: StatusFlags) => {
      const { runStatus } = await import('../client/status.js');
      const watch = flags.watch === true ? 2 : flags.watch;
      const token = flags.token ?? (process.env['MCP_GATEWAY_METRICS_TOKEN'] || undefined);
      const options = { ...flags, watch, token, colour: wantsColour(terminal), signal: abortOnInterrupt() };
      exit(await runStatus(names, options, terminal));
    });
  examples(status, 'mcp-gateway status', 'mcp-gateway status github files --watch 5');

  const tools = located(program.command('tools').description('list what an endpoint offers'))
    .argument('[filter]', "part of a name, or a pattern like 'files:*'")
    .option('--schema', 'show what each tool takes and gives')
    .option('--json', 'print the tools as JSON')
    .action(async (filter: string | undefined, flags: ToolsFlags) => {
      const { runTools } = await import('../client/tools.js');
      exit(await runTools(filter, { ...flags, ...tokenOf(flags), version: VERSION }, terminal));
    });
  examples(
    tools,
    'mcp-gateway tools',
    "mcp-gateway tools 'files:*' --schema",
    'mcp-gateway tools search --json --url http://127.0.0.1:8082/mcp/github',
  );

  const call = located(program.command('call').description('call one tool through the gateway'))
    .argument('<tool>', 'server:tool')
    .argument('[arguments...]', 'name=value, typed by the schema of the tool')
    .option('--json [object]', 'with an object: arguments as JSON; without, at the end: print the whole result as JSON')
    .option('--raw', 'print the whole result as JSON')
    .addHelpText('after', '\nExit code: 0 the tool succeeded, 1 it failed or could not be called')
    .action(async (tool: string, words: string[], flags: CallFlags) => {
      const { runCall } = await import('../client/call.js');
      const { json, raw, ...where } = flags;
      const options = {
        ...where,
        ...tokenOf(flags),
        ...(typeof json === 'string' && { json }),
        raw: raw === true || json === true,
        version: VERSION,
        signal: abortOnInterrupt(),
      };
      exit(await runCall(tool, words, options, terminal));
    });
  examples(
    call,
    'mcp-gateway call demo:add a=2 b=3',
    'mcp-gateway call files:read_text_file path=/tmp/a.txt --json',
    `mcp-gateway call github:create_issue --json '{"title":"It breaks","labels":["bug"]}'`,
  );

  const stdio = located(
    program.command('stdio').description('serve one client over stdio and pass everything on to a gateway'),
  )
    .option('--token-env <variable>', 'environment variable with the token, instead of MCP_GATEWAY_TOKEN')
    .option('--token-file <file>', 'file with the token')
    .action(async (flags: StdioFlags) => {
      const { runStdio } = await import('../bridge/run-stdio.js');
      const say = (sentence: string) => terminal.err(`mcp-gateway stdio: ${sentence}\n`);
      const streams = { input: process.stdin, output: process.stdout, say };
      exit(await runStdio({ ...flags, ...tokenOf(flags), env: process.env }, streams));
    });
  examples(
    stdio,
    'mcp-gateway stdio',
    'mcp-gateway stdio --url https://mcp.example.com/mcp --token-file ~/.config/mcp-gateway/token',
    'mcp-gateway connect claude-desktop    # writes such a line into the file of a client',
  );
}
