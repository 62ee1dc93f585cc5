// Fails when a name that exists only in the conformance suite is found in the gateway's own code: it must not know when
// it is being tested.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROMPTS } from '../fixtures/conformance-server/prompts.mjs';
import { TOOLS } from '../fixtures/conformance-server/tools.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SUITE = [
  ...Object.keys(TOOLS),
  ...Object.keys(PROMPTS),
  ...['test_missing_capability', 'test_streaming_elicitation', 'test_logging_tool', 'test_x_mcp_header'],
  ...[
    'test_trigger_',
    'test_input_required_',
    'test_tool_with_',
    'test_prompt_with_',
    'test_elicitation_sep',
    'test_seasonal_',
  ],
  ...[
    'test://static-',
    'test://template/',
    'watched-resource',
    'nonexistent-resource-for-conformance',
    'conformance-test',
    'conformance-fixture',
  ],
  ...['slow_compute', 'confirm_delete', 'failing_job', 'protocol_error_job'],
];

function* files(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) yield join(entry.parentPath, entry.name);
  }
}

let found = 0;
for (const folder of ['libs', 'apps']) {
  for (const file of files(join(ROOT, folder))) {
    const text = readFileSync(file, 'utf8');
    for (const name of SUITE.filter((candidate) => text.includes(candidate))) {
      found += 1;
      console.error(`${file.slice(ROOT.length)}: contains ${name}, a name of the conformance suite`);
    }
  }
}
if (found === 0) console.log(`no name of the conformance suite in libs/ and apps/ (${SUITE.length} looked for)`);
process.exitCode = found === 0 ? 0 : 1;
