import { ConfigError, listenProblem, showProblem, unsupportedSections } from '#libs/config';
import { printable } from '../table.js';
import type { Terminal } from '../terminal.js';
import { type ConfigFlags, findConfig } from './load.js';

/** Checks the configuration file; returns the exit code: 0 when it can be used. */
export function runValidate(flags: ConfigFlags, terminal: Terminal): number {
  let loaded: ReturnType<typeof findConfig>;
  try {
    loaded = findConfig(flags);
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    terminal.err(`${printable(thrown.message)}\n`);
    return 1;
  }
  if (loaded.kind === 'none') {
    terminal.err(
      `There is no configuration file: looked for ${loaded.searched.join(' and ')}. Name one with --config\n`,
    );
    return 1;
  }
  const { config, file } = loaded;
  const say = (kind: string, text: string) => terminal.err(`${kind}: ${printable(text)}\n`);
  for (const problem of loaded.warnings) say('warning', showProblem(problem, file));
  const { restricting, ignored } = unsupportedSections(config);
  for (const problem of ignored) say('note', showProblem(problem, file));
  const listen = listenProblem(config);
  for (const problem of [...restricting, ...(listen ? [listen] : [])])
    say('serve would refuse', showProblem(problem, file));
  const servers = config.proxy.servers.map(({ name }) => name);
  terminal.out(`${file} is valid: ${servers.length === 0 ? 'no servers' : `servers ${servers.join(', ')}`}\n`);
  return 0;
}
