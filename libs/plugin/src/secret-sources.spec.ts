import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Secret } from '#libs/kernel';
import { Extension } from './extension.js';
import { SecretSource } from './secret-source.js';
import { secretSourcesOf } from './secret-sources.js';

@Extension(SecretSource, { name: 'vault', api: '1.0' })
class Vault extends SecretSource {
  read(reference: string): Secret {
    return Secret.passing(`<${reference}>`);
  }
}

@Injectable()
class Other {}

@Module({ providers: [Other, Vault] })
class VaultModule {}

const moduleOf = (...providers: never[] | unknown[]) => {
  class Made {}
  Module({ providers: providers as never[] })(Made);
  return Made;
};

describe('secret sources of plug-ins', () => {
  it('are found among the providers of a module, without Nest', async () => {
    const sources = secretSourcesOf([VaultModule]);
    expect([...sources.keys()]).toEqual(['vault']);
    expect((await sources.get('vault')?.read('a'))?.reveal()).toBe('<a>');
  });

  it('are found in dynamic modules and behind useClass, and once when they are listed twice', () => {
    const dynamic = { module: class Dynamic {}, providers: [{ provide: 'x', useClass: Vault }] };
    expect([...secretSourcesOf([dynamic, VaultModule]).keys()]).toEqual(['vault']);
    expect(secretSourcesOf([moduleOf({ provide: 'y', useValue: 1 }, Other)]).size).toBe(0);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'a name that is taken',
      () => {
        @Extension(SecretSource, { name: 'vault', api: '1.0' })
        class Second extends Vault {}
        return Second;
      },
      /Two extensions are called "vault" for SecretSource/,
    ],
    [
      'the name of a built-in one',
      () => {
        @Extension(SecretSource, { name: 'env', api: '1.0' })
        class Env extends Vault {}
        return Env;
      },
      /"env" for SecretSource: the built-in one/,
    ],
    [
      'another API version',
      () => {
        @Extension(SecretSource, { name: 'b', api: '9.0' })
        class Future extends Vault {}
        return Future;
      },
      /extension API 9\.0/,
    ],
    [
      'something to inject',
      () => {
        @Extension(SecretSource, { name: 'c', api: '1.0' })
        class Needy extends Vault {
          constructor(readonly other: Other) {
            super();
          }
        }
        return Needy;
      },
      /nothing can be injected/,
    ],
    [
      'a class that is none',
      () => {
        class Fake {}
        Extension(SecretSource, { name: 'd', api: '1.0' })(Fake);
        return Fake;
      },
      /does not extend it/,
    ],
    [
      'a constructor that throws',
      () => {
        @Extension(SecretSource, { name: 'e', api: '1.0' })
        class Broken extends Vault {
          constructor() {
            super();
            throw new Error('no socket');
          }
        }
        return Broken;
      },
      /could not be made: no socket/,
    ],
  ])('are refused for %s', (_, make, message) => {
    expect(() => secretSourcesOf([VaultModule, moduleOf(make())])).toThrow(message);
  });
});
