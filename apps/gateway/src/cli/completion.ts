import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Completable {
  readonly name: string;
  readonly description: string;
  readonly choices: readonly string[];
  readonly options: readonly { readonly flag: string; readonly description: string; readonly takesValue: boolean }[];
}

/** The script that teaches a shell what `program` takes. Made from the program itself, so it is never behind. */
export function completionScript(shell: Shell, program: Command): string {
  const commands = program.commands.map(completable);
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      return zsh(commands);
    case 'fish':
      return fish(commands);
  }
}

function completable(command: Command): Completable {
  return {
    name: command.name(),
    description: command.description(),
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    options: command.options.flatMap(({ long, description, required, optional }) =>
      long ? [{ flag: long, description, takesValue: required || optional }] : [],
    ),
  };
}

/** A value of an option, and a word that is none of ours, are completed as file names. */
function bash(commands: readonly Completable[]): string {
  const cases = commands.map(({ name, choices, options }) => {
    const words = [...choices, ...options.map(({ flag }) => flag), '--help'];
    return `    ${name}) words=${quoted(words.join(' '))} ;;`;
  });
  const valued = [
    ...new Set(commands.flatMap(({ options }) => options.filter((o) => o.takesValue).map((o) => o.flag))),
  ];
  return [
    '# bash completion for mcp-gateway',
    '_mcp_gateway() {',
    '  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" words=""',
    '  COMPREPLY=()',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    words=${quoted([...commands.map(({ name }) => name), '--help', '--version'].join(' '))}`,
    '  else',
    `    case "$prev" in ${valued.join('|')}) return ;; esac`,
    '    case "${COMP_WORDS[1]}" in',
    ...cases.map((line) => `  ${line}`),
    '    esac',
    '  fi',
    '  COMPREPLY=($(compgen -W "$words" -- "$cur"))',
    '}',
    'complete -o default -F _mcp_gateway mcp-gateway',
    '',
  ].join('\n');
}

function zsh(commands: readonly Completable[]): string {
  const cases = commands.map(({ name, choices, options }) => {
    const flags = options.map(({ flag, description, takesValue }) =>
      quoted(`${flag}[${description.replace(/[[\]:]/g, ' ')}]${takesValue ? ':value:_files' : ''}`),
    );
    const words = choices.length > 0 ? [quoted(`1:argument:(${choices.join(' ')})`)] : [quoted('*:file:_files')];
    return `    ${name}) _arguments ${[...flags, ...words].join(' ')} ;;`;
  });
  return [
    '#compdef mcp-gateway',
    '_mcp_gateway() {',
    '  local -a commands',
    `  commands=(${commands.map(({ name, description }) => quoted(`${name}:${description}`)).join(' ')})`,
    '  if (( CURRENT == 2 )); then _describe command commands; return; fi',
    '  local command="${words[2]}"',
    '  shift words; (( CURRENT-- ))',
    '  case "$command" in',
    ...cases,
    '  esac',
    '}',
    // As a file in $fpath it is called; sourced, it has to say for what it is.
    'if [ "$funcstack[1]" = "_mcp-gateway" ]; then _mcp_gateway "$@"; else compdef _mcp_gateway mcp-gateway; fi',
    '',
  ].join('\n');
}

function fish(commands: readonly Completable[]): string {
  const lines = commands.flatMap(({ name, description, choices, options }) => {
    const when = `-n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    return [
      `complete -c mcp-gateway -n __fish_use_subcommand -f -a ${name} -d ${quoted(description)}`,
      ...(choices.length > 0 ? [`complete -c mcp-gateway ${when} -f -a ${quoted(choices.join(' '))}`] : []),
      ...options.map(
        (option) =>
          `complete -c mcp-gateway ${when} -l ${option.flag.slice(2)}${option.takesValue ? ' -r' : ''} -d ${quoted(option.description)}`,
      ),
    ];
  });
  return ['# fish completion for mcp-gateway', ...lines, ''].join('\n');
}

/** For all three shells: nothing inside is expanded. */
function quoted(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`;
}
