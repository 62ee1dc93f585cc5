import { readFileSync } from 'node:fs';
import { messageOf } from '#libs/kernel';
import { UsageError } from '../client/arguments.js';
import { endpointOf } from '../client/reach.js';
import { GatewayLink } from './gateway-link.js';
import { type BridgeStreams, StdioBridge } from './stdio-bridge.js';

export interface StdioOptions {
  readonly url: string;
  readonly token?: string | undefined;
  /** Variable that holds the token. */
  readonly tokenEnv?: string | undefined;
  /** File that holds the token. */
  readonly tokenFile?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Serves one client over stdio until it closes its side; returns the exit code. @throws UsageError */
export async function runStdio(options: StdioOptions, streams: BridgeStreams): Promise<number> {
  const link = new GatewayLink(endpointOf(options.url), tokenIn(options));
  await new StdioBridge(link, streams).run();
  return 0;
}

function tokenIn({ token, tokenEnv, tokenFile, env }: StdioOptions): string | undefined {
  if (tokenFile !== undefined) {
    try {
      return readFileSync(tokenFile, 'utf8').trim();
    } catch (thrown) {
      throw new UsageError(`the file with the token cannot be read: ${messageOf(thrown)}`);
    }
  }
  if (tokenEnv === undefined) return token;
  const value = env[tokenEnv];
  if (value) return value;
  throw new UsageError(
    `the variable ${tokenEnv}, which is to hold the token, is not set in the environment of this program; a program started from a desktop does not see what a shell sets`,
  );
}
