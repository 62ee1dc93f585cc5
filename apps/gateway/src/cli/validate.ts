import { ConfigError, LiveConfig, type Problem, serveProblems, showProblem } from '#libs/config';
import { checkGateway } from '../create-app.js';
import { printable } from '../table.js';
import type { Terminal } from '../terminal.js';
import { ConfigFinder, type ConfigFlags } from './load.js';

export interface ValidateFlags extends ConfigFlags {
  readonly json?: boolean;
}

/** Checks the configuration file; returns the exit code: 0 when it can be used. */
export async function runValidate(flags: ValidateFlags, terminal: Terminal): Promise<number> {
  try {
    return await validate(flags, terminal);
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    if (flags.json) printJson(terminal, thrown.file, thrown.problems, []);
    else terminal.err(`${printable(thrown.message)}\n`);
    return 1;
  }
}

async function validate({ json, ...flags }: ValidateFlags, terminal: Terminal): Promise<number> {
  const loaded = await new ConfigFinder(flags).load();
  if (loaded.kind === 'none') {
    terminal.err(
      `There is no configuration file: looked for ${loaded.searched.join(' and ')}. Name one with --config\n`,
    );
    return 1;
  }
  const { config, file, locate } = loaded;
  const remarks: Remark[] = [];
  const note = (kind: Remark['kind'], problems: readonly Problem[]) =>
    remarks.push(...problems.map((problem) => ({ kind, ...locate(problem) })));
  note('warning', loaded.warnings);
  note('serve would refuse', serveProblems(config));
  note('warning', await checkGateway(new LiveConfig(loaded)));
  if (json) {
    printJson(terminal, file, [], remarks);
    return 0;
  }
  for (const remark of remarks) terminal.err(`${remark.kind}: ${printable(showProblem(remark, file))}\n`);
  const servers = config.proxy.servers.map(({ name }) => name);
  terminal.out(`${file} is valid: ${servers.length === 0 ? 'no servers' : `servers ${servers.join(', ')}`}\n`);
  return 0;
}

/** What does not keep the file from being used. */
interface Remark extends Problem {
  readonly kind: 'warning' | 'serve would refuse';
}

function printJson(
  terminal: Terminal,
  file: string | undefined,
  problems: readonly Problem[],
  remarks: readonly Remark[],
): void {
  const report = { file, valid: problems.length === 0, problems, remarks };
  terminal.out(`${JSON.stringify(report, null, 2)}\n`);
}
