import { describe, expect, it } from 'vitest';
import { configFrom } from '#libs/config';
import { type Connection, type ExtensionPoint, UpstreamCredential, UpstreamTransport } from '#libs/plugin';
import { BearerCredential } from '../credentials/bearer.credential.js';
import { NoneCredential } from '../credentials/none.credential.js';
import { StdioTransport } from '../transports/stdio/stdio.transport.js';
import { settingsProblems } from './settings-problems.js';

class PickyCredential extends UpstreamCredential {
  headers(): never {
    throw new Error('nothing is sent while settings are checked');
  }

  override validate(settings: Readonly<Record<string, unknown>>): readonly string[] {
    return settings['tenant'] === undefined ? ['tenant: is required'] : [];
  }
}

class PickyTransport extends UpstreamTransport {
  connect(): Promise<Connection> {
    return Promise.reject(new Error('nothing connects while settings are checked'));
  }

  override validate({ options }: { options: Readonly<Record<string, unknown>> }): readonly string[] {
    return options['port'] === undefined ? ['port: is required', 'a sentence about nothing in particular'] : [];
  }
}

const points = new Map<unknown, ReadonlyMap<string, object>>([
  [
    UpstreamTransport,
    new Map<string, object>([
      ['stdio', new StdioTransport()],
      ['picky', new PickyTransport()],
    ]),
  ],
  [
    UpstreamCredential,
    new Map<string, object>([
      ['none', new NoneCredential()],
      ['bearer', new BearerCredential()],
      ['picky', new PickyCredential()],
    ]),
  ],
]);
const extensions = {
  all: <T extends object>(point: ExtensionPoint<T>) => points.get(point) as ReadonlyMap<string, T>,
};
const problemsOf = (...servers: object[]) =>
  settingsProblems(configFrom({ proxy: { servers } }).config.proxy.servers, extensions);

describe('settingsProblems', () => {
  it('finds nothing in settings that everybody concerned can use', () => {
    expect(
      problemsOf(
        { name: 'a', type: 'stdio', connection: { command: 'node' } },
        { name: 'b', type: 'picky', connection: { port: 1 }, auth: { type: 'bearer', token: 'abc' } },
      ),
    ).toEqual([]);
  });

  it('names the path of an unknown transport or credential, and the known ones', () => {
    expect(problemsOf({ name: 'a', type: 'stdoi' }, { name: 'b', type: 'picky', auth: { type: 'baerer' } })).toEqual([
      {
        path: '$.proxy.servers[0].type',
        message: expect.stringMatching(/no transport "stdoi"; known are picky, stdio, .*plugins:/),
      },
      { path: '$.proxy.servers[1].connection.port', message: 'is required' },
      { path: '$.proxy.servers[1].connection', message: 'a sentence about nothing in particular' },
      {
        path: '$.proxy.servers[1].auth.type',
        message: expect.stringMatching(/no credential "baerer"; known are bearer, none, picky, /),
      },
    ]);
  });

  it('passes on what a transport and a credential say of their settings', () => {
    expect(
      problemsOf({
        name: 'a',
        type: 'stdio',
        connection: { command: 'npx -y server' },
        auth: { type: 'picky' },
      }),
    ).toMatchObject([{ path: '$.proxy.servers[0].connection.command' }, { path: '$.proxy.servers[0].auth.tenant' }]);
  });

  it('leaves disabled servers alone', () => {
    expect(problemsOf({ name: 'a', type: 'gone-plugin', enabled: false })).toEqual([]);
  });
});
