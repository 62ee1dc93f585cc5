import { Argument, type Command } from 'commander';
import { type CommandDesk, examples } from './command-kit.js';
import { completionScript, SHELLS, type Shell } from './completion.js';

/** Commands for the first hour: bringing clients, servers and the shell together. */
export function addSetupCommands(program: Command, { terminal, exit }: CommandDesk): void {
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
