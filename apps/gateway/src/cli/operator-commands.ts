import { type Command, Option } from 'commander';
import { type CommandDesk, configured, examples, seconds, tokenOf } from './command-kit.js';
import type { ExplainFlags } from './explain.js';
import type { ConfigFlags } from './load.js';

/** Commands for whoever runs a gateway. What one needs is loaded only when it runs. */
export function addOperatorCommands(program: Command, { terminal, exit }: CommandDesk): void {
  const serve = configured(program.command('serve').description('start the gateway'))
    .option('--host <address>', 'listen on this address')
    .option('--port <number>', 'listen on this port')
    .addOption(new Option('--log-level <level>', 'debug, info, warn or error'))
    .addOption(new Option('--log-format <format>', 'json or text'))
    .action(async (flags: ConfigFlags) => {
      const { runServe } = await import('./serve.js');
      exit(await runServe(flags, terminal));
    });
  examples(
    serve,
    'mcp-gateway serve                          # the file found by the search order, else the built-in demo',
    'mcp-gateway serve --config gateway.yaml --port 9000',
  );

  const validate = configured(program.command('validate').description('check the configuration file'))
    .option('--json', 'print what was found as JSON')
    .addHelpText('after', '\nExit code: 0 the file can be used, 1 it cannot')
    .action(async (flags: ConfigFlags & { json?: boolean }) => {
      const { runValidate } = await import('./validate.js');
      exit(await runValidate(flags, terminal));
    });
  examples(validate, 'mcp-gateway validate --config gateway.yaml');

  const explain = configured(
    program.command('explain').description('say which rule decides about one thing, for whom, and why'),
  )
    .argument('<object>', 'server:tool, prompts/server:name, resources/server:uri or templates/server:template')
    .option('--claims <json>', 'claims of the caller, as a token would carry them')
    .option('--token <token>', 'access token or API key; better in MCP_GATEWAY_TOKEN, where no process list shows it')
    .option('--json', 'print the explanation as JSON')
    .addHelpText('after', '\nExit code: 0 allowed, 3 step-up, 4 hidden, 1 when it cannot be told')
    .action(async (object: string, flags: ExplainFlags) => {
      const { runExplain } = await import('./explain.js');
      const given = flags.claims === undefined ? tokenOf(flags) : {};
      exit(await runExplain(object, { ...flags, ...given }, terminal));
    });
  examples(
    explain,
    `mcp-gateway explain n8n:run_workflow --claims '{"groups":["Developers"]}'`,
    'MCP_GATEWAY_TOKEN=… mcp-gateway explain admin:user_management --json',
  );

  const doctor = configured(
    program.command('doctor').description('check the file, then every server, the identity provider and all names'),
  )
    .option('--token <token>', 'access token or API key to try; better in MCP_GATEWAY_TOKEN')
    .addOption(new Option('--timeout <seconds>', 'how long each check may take').argParser(seconds).default(15, '15'))
    .option('--json', 'print the findings as JSON')
    .addHelpText('after', '\nExit code: 0 all is well, 1 there are findings')
    .action(async (flags: ConfigFlags & { token?: string; timeout: number; json?: boolean }) => {
      const { runDoctor } = await import('../doctor/run-doctor.js');
      exit(await runDoctor({ ...flags, ...tokenOf(flags) }, terminal));
    });
  examples(doctor, 'mcp-gateway doctor --config gateway.yaml', 'MCP_GATEWAY_TOKEN=… mcp-gateway doctor --json');
}
