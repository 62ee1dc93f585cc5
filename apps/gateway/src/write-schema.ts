import 'reflect-metadata';
import { readFileSync, writeFileSync } from 'node:fs';
import { gatewayJsonSchema } from '#libs/config';

// `npm run schema` writes the JSON schema of the configuration; with --check it only compares, for CI.
const [target = 'config/gateway.schema.json', flag] = process.argv.slice(2);
const text = `${JSON.stringify(gatewayJsonSchema(), null, 2)}\n`;
if (flag !== '--check') writeFileSync(target, text);
else if (readFileSync(target, 'utf8') !== text) {
  process.stderr.write(`${target} is not what the schema classes say; run \`npm run schema\` and commit it\n`);
  process.exit(1);
}
