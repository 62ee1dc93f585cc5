import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatewayConfig } from './gateway-config.ts';
import { GATEWAY_BIN } from './paths.ts';

/** What "everything on" consists of, as far as a gateway might lack it. Info log and scraped metrics always belong to it. */
export const PIECES = ['authentication', 'permissions', 'rate_limit', 'audit'] as const;
export type Piece = (typeof PIECES)[number];

export interface Pieces {
  readonly on: readonly Piece[];
  /** Left out, and why: by choice, or because this gateway does not have it. */
  readonly off: readonly { readonly piece: Piece; readonly why: string }[];
}

/** The keys of the configuration that a piece cannot do without. */
const KEYS: Record<Piece, RegExp> = {
  authentication: /\$\.oauth\b/,
  permissions: /\$\.auth\b/,
  rate_limit: /\$\.rate_limit\b/,
  audit: /\$\.audit\b/,
};

/** Asks the gateway itself: `validate` says which parts of a file it would not serve, or would ignore. */
export async function availablePieces(directory: string, without: readonly Piece[]): Promise<Pieces> {
  const file = join(directory, 'pieces.yaml');
  const wanted = PIECES.filter((piece) => !without.includes(piece));
  const issuer = { url: 'http://127.0.0.1:9', jwksUri: 'http://127.0.0.1:9/jwks' };
  const upstreams = [{ name: 'u00', url: 'http://127.0.0.1:9/mcp', protocol: 'legacy' as const }];
  const auditFile = join(directory, 'pieces-audit.log');
  const setup = {
    upstreams,
    profile: 'everything',
    pieces: wanted,
    issuer,
    auditFile,
    patterns: 1,
    sessions: 1,
  } as const;
  writeFileSync(file, JSON.stringify(gatewayConfig(setup)));
  const said = await validate(file);
  const off = PIECES.flatMap((piece) => {
    if (without.includes(piece)) return [{ piece, why: 'left out by choice' }];
    const [line] = said.filter((text) => KEYS[piece].test(text));
    return line === undefined ? [] : [{ piece, why: line.replace(/^.*?(?=\$\.)/, '') }];
  });
  // Permissions speak about callers, so without authentication they would deny everybody everything.
  if (off.some(({ piece }) => piece === 'authentication') && !off.some(({ piece }) => piece === 'permissions'))
    off.push({ piece: 'permissions', why: 'needs authentication' });
  return { on: PIECES.filter((piece) => !off.some((other) => other.piece === piece)), off };
}

/** @throws Error when the configuration is not understood at all */
function validate(file: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [GATEWAY_BIN, 'validate', '--config', file], { timeout: 60_000 }, (error, out, err) => {
      const lines = err.split('\n').filter((line) => /^(?:serve would refuse|note):/.test(line));
      if (error && lines.length === 0) reject(new Error(`the gateway does not take the configuration:\n${out}${err}`));
      else resolve(lines);
    });
  });
}
