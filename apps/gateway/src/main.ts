import 'reflect-metadata';
import { runCli } from './cli/cli.js';
import { processTerminal } from './terminal.js';

// A reader that went away (`| head`) is no accident.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

const code = await runCli(process.argv.slice(2), processTerminal());
process.exitCode = code;
// Whatever else is still open (a keep-alive socket, a child that cannot be ended) must not hold the process.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
