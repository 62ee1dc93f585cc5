import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { runValidate } from '../../apps/gateway/src/cli/validate.js';
import { Cleanup } from '../support/wait.js';
import { type Block, PAGES, pageAt } from './pages.js';

/**
 * A block of YAML is a whole configuration, unless it says otherwise: `in=proxy.servers[]` is a part that stands there (several
 * of them, parted by `---`), `not-config` is for another program or names what only its reader has.
 */
const BLOCKS = PAGES.flatMap(({ blocks }) => blocks)
  .filter(({ language }) => language === 'yaml' || language === 'yml')
  .filter(({ marks }) => !marks.has('not-config'));

const cleanup = new Cleanup();
afterEach(() => cleanup.close());

const LONG = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH';

/** Something that fits wherever a variable of this name stands. */
function valueFor(name: string): string {
  if (/URL/.test(name)) return 'https://n8n.example.com/mcp';
  if (/ISSUER/.test(name)) return 'https://acme.okta.com/oauth2/default';
  return /PORT/.test(name) ? '8082' : LONG;
}

/** The texts to load: a part is put where it belongs. */
function configurations({ marks, text }: Block): readonly string[] {
  const place = marks.get('in');
  if (place === undefined) return [text];
  return parseAllDocuments(text).map((document) => JSON.stringify(wrap(place, document.toJS())));
}

function wrap(place: string, part: unknown): unknown {
  if (place !== 'proxy.servers[]')
    return place.split('.').reduceRight<unknown>((inner, step) => ({ [step]: inner }), part);
  const entry = part as { connection?: object; type?: string };
  const connection = entry.type === 'stdio' ? {} : { url: 'https://n8n.example.com/mcp' };
  const server = { name: 'n8n', type: 'streamable-http', ...entry, connection: { ...connection, ...entry.connection } };
  return { proxy: { servers: [server] } };
}

/** What `mcp-gateway validate` says of it, in a folder with the files that its page shows. */
async function validate(block: Block, text: string): Promise<{ code: number; said: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-gateway-docs-'));
  cleanup.run(() => rmSync(folder, { recursive: true, force: true }));
  const put = (name: string, content: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content, { mode: 0o600 });
  };
  for (const { marks, text: content } of pageAt(block.page).blocks) {
    const name = marks.get('file');
    if (name !== undefined) put(name, content);
  }
  let secrets = 0;
  const readable = text.replaceAll(/\$\{file:[^}]+\}/g, () => {
    put(`secret-${++secrets}`, LONG + secrets);
    return `\${file:./secret-${secrets}}`;
  });
  put('gateway.yaml', readable);
  for (const [, name = ''] of text.matchAll(/\$\{(?:env:)?([A-Z][A-Z0-9_]*)(?::-[^}]*)?\}/g)) {
    const before = process.env[name];
    process.env[name] = valueFor(name);
    cleanup.run(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
  let said = '';
  const note = (more: string) => {
    said += more;
  };
  const terminal = { out: note, err: note, outIsTty: false, errIsTty: false, inIsTty: false, columns: 200 };
  const code = await runValidate({ config: join(folder, 'gateway.yaml') }, terminal);
  return { code, said };
}

describe.each(BLOCKS.map((block) => [`${block.page}:${block.line}`, block] as const))('%s', (_place, block) => {
  it('is a configuration that validate accepts', async () => {
    const texts = configurations(block);
    expect(texts.length).toBeGreaterThan(0);
    for (const text of texts) {
      expect(parse(text)).not.toBeNull();
      const { code, said } = await validate(block, text);
      expect([code, said]).toEqual([0, expect.stringContaining('is valid')]);
    }
  });
});

describe('the check of configurations', () => {
  it('finds a mistake in a whole one and in a part', async () => {
    const block = BLOCKS[0] as Block;
    expect((await validate(block, 'server: { prot: 1 }')).said).toContain('did you mean port?');
    const part = configurations({ ...block, marks: new Map([['in', 'proxy.servers[]']]), text: 'auth: { typ: none }' });
    expect((await validate(block, part[0] ?? '')).code).toBe(1);
  });
});
