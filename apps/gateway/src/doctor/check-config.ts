import { ConfigError, LiveConfig, type LoadedConfig, type Problem, serveProblems, showProblem } from '#libs/config';
import { GatewayError } from '#libs/kernel';
import { ConfigFinder, type ConfigFlags } from '../cli/load.js';
import { checkGateway } from '../create-app.js';
import type { Finding, Level } from './finding.js';

const DOCS = 'docs/configuration.md';

/** The file and what stands in it. Without `loaded` there is nothing else to look at. */
export async function checkConfig(flags: ConfigFlags): Promise<{ findings: Finding[]; loaded?: LoadedConfig }> {
  try {
    const finder = new ConfigFinder(flags);
    await finder.refresh();
    const loaded = finder.toServe();
    const { config, file, locate } = loaded;
    const told = (level: Level, problems: readonly Problem[], fix?: string): Finding[] =>
      problems.map((problem) => ({
        level,
        subject: 'config',
        text: showProblem(locate(problem), file),
        fix,
        docs: DOCS,
      }));
    const refusals = serveProblems(config);
    const findings = [
      ...told('warning', loaded.warnings),
      ...told('problem', refusals, 'mend this, serve refuses to start with it'),
      ...told('warning', await checkGateway(new LiveConfig(loaded))),
    ];
    const text = file === undefined ? 'there is no file, the built-in demo is what runs' : `${file} is valid`;
    return { findings: [{ level: 'ok', subject: 'config', text }, ...findings], loaded };
  } catch (thrown) {
    return { findings: refused(thrown) };
  }
}

function refused(thrown: unknown): Finding[] {
  if (thrown instanceof ConfigError) {
    const { file, problems } = thrown;
    const fix = 'mend this line; mcp-gateway validate says whether it is right';
    return problems.map((problem) => {
      return { level: 'problem', subject: 'config', text: showProblem(problem, file), fix, docs: DOCS };
    });
  }
  if (!(thrown instanceof GatewayError)) throw thrown;
  return [{ level: 'problem', subject: 'config', text: thrown.message, docs: anchorOf(thrown.code) }];
}

/** Where docs/errors.md explains a code. */
export function anchorOf(code: string): string {
  return `docs/errors.md#${code.toLowerCase()}`;
}
