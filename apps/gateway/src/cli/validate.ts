import { ConfigError, ignoredSettings, LiveConfig, type Problem, serveProblems, showProblem } from '#libs/config';
import { checkGateway } from '../create-app.js';
import { printable } from '../table.js';
import type { Terminal } from '../terminal.js';
import { ConfigFinder, type ConfigFlags } from './load.js';

/** Checks the configuration file; returns the exit code: 0 when it can be used. */
export async function runValidate(flags: ConfigFlags, terminal: Terminal): Promise<number> {
  try {
    return await validate(flags, terminal);
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    terminal.err(`${printable(thrown.message)}\n`);
    return 1;
  }
}

async function validate(flags: ConfigFlags, terminal: Terminal): Promise<number> {
  const loaded = await new ConfigFinder(flags).load();
  if (loaded.kind === 'none') {
    terminal.err(
      `There is no configuration file: looked for ${loaded.searched.join(' and ')}. Name one with --config\n`,
    );
    return 1;
  }
  const { config, file, locate } = loaded;
  const say = (kind: string, problems: readonly Problem[]) => {
    for (const problem of problems) terminal.err(`${kind}: ${printable(showProblem(locate(problem), file))}\n`);
  };
  say('warning', loaded.warnings);
  say('note', ignoredSettings(config));
  say('serve would refuse', serveProblems(config));
  say('warning', await checkGateway(new LiveConfig(loaded)));
  const servers = config.proxy.servers.map(({ name }) => name);
  terminal.out(`${file} is valid: ${servers.length === 0 ? 'no servers' : `servers ${servers.join(', ')}`}\n`);
  return 0;
}
