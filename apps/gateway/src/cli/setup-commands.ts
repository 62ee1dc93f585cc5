import { homedir } from 'node:os';
import { join } from 'node:path';
import { Argument, type Command } from 'commander';
import { DEFAULT_URL } from '../client/reach.js';
import { CLIENT_NAMES, type ClientName } from '../clients/known-clients.js';
import { PACKAGE_ROOT } from '../version.js';
import { type CommandDesk, examples } from './command-kit.js';
import { completionScript, SHELLS, type Shell } from './completion.js';

interface ConnectFlags {
  readonly url: string;
  readonly name: string;
  readonly tokenEnv?: string;
  readonly write?: boolean;
  readonly configFile?: string;
  readonly json?: boolean;
}

/** Commands for the first hour: bringing clients, servers and the shell together. */
export function addSetupCommands(program: Command, { terminal, exit }: CommandDesk): void {
  const connect = program
    .command('connect')
    .description('show what connects a client with the gateway, or write it into its file')
    .addArgument(new Argument('<client>', 'which client').choices(CLIENT_NAMES))
    .option('--write', 'merge it into the file of the client; the old file is kept beside it')
    .option('--url <url>', 'endpoint of the gateway', DEFAULT_URL)
    .option('--name <name>', 'what the client calls the gateway: short, because it becomes part of tool names', 'gw')
    .option('--token-env <variable>', 'environment variable with the token; only its name is written')
    .option('--config-file <file>', 'another file than the usual one of the client')
    .option('--json', 'print what was found and done as JSON')
    .action(async (client: ClientName, flags: ConnectFlags) => {
      const { runConnect } = await import('../clients/connect.js');
      const { platform, env } = process;
      const place = { platform, env, home: homedir(), cwd: process.cwd() };
      const command = [process.execPath, join(PACKAGE_ROOT, 'bin', 'mcp-gateway.js')] as const;
      exit(runConnect(client, { ...flags, place, command: [...command], now: new Date() }, terminal));
    });
  examples(
    connect,
    'mcp-gateway connect cursor',
    'mcp-gateway connect vscode --write',
    'mcp-gateway connect codex --write --url https://mcp.example.com/mcp --token-env MCP_GATEWAY_TOKEN',
  );

  const imports = program
    .command('import')
    .description("turn a client's file of MCP servers into a configuration of the gateway")
    .argument('<file>', 'mcpServers or servers in JSON, mcp_servers in TOML')
    .option('--out <file>', 'write the configuration to this file, which must not be there yet')
    .option('--json', 'print configuration, variables and notes as JSON')
    .action(async (file: string, flags: { out?: string; json?: boolean }) => {
      const { runImport } = await import('../clients/import/run-import.js');
      exit(runImport(file, flags, terminal));
    });
  examples(
    imports,
    'mcp-gateway import ~/.cursor/mcp.json',
    'mcp-gateway import .vscode/mcp.json --out gateway.yaml',
    'mcp-gateway import ~/.codex/config.toml --json',
  );

  const completion = program
    .command('completion')
    .description('print a script that completes commands and options in your shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action((shell: Shell) => {
      terminal.out(completionScript(shell, program));
      exit(0);
    });
  examples(
    completion,
    'source <(mcp-gateway completion bash)                                   # in ~/.bashrc',
    'mcp-gateway completion zsh > "${fpath[1]}/_mcp-gateway"',
    'mcp-gateway completion fish > ~/.config/fish/completions/mcp-gateway.fish',
  );
}
