import 'reflect-metadata';
import { Injectable, Module, type OnModuleInit, Scope, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, describe, expect, it } from 'vitest';
import { GatewayError } from '#libs/kernel';
import { Extension, ExtensionRegistry, PluginModule, UpstreamCredential } from './index.js';

abstract class Greeter {
  abstract greet(): string;
}

@Extension(Greeter, { name: 'polite', api: '1.0' })
class Polite extends Greeter {
  greet() {
    return 'good day';
  }
}

@Extension(Greeter, { name: 'brief', api: '1.0.0' })
class Brief extends Greeter {
  greet() {
    return 'hi';
  }
}

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const app of opened.splice(0)) await app.close();
});

async function boot(...providers: Type<unknown>[]): Promise<ExtensionRegistry> {
  @Module({ providers })
  class Extensions {}
  @Module({ imports: [PluginModule, Extensions] })
  class Root {}
  const app = await NestFactory.createApplicationContext(Root, { logger: false, abortOnError: false });
  opened.push(app);
  return app.get(ExtensionRegistry);
}

async function refusal(...providers: Type<unknown>[]): Promise<string> {
  const thrown = await boot(...providers).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(GatewayError);
  expect((thrown as GatewayError).code).toBe('PLUGIN_INVALID');
  return (thrown as GatewayError).message;
}

describe('ExtensionRegistry', () => {
  it('finds marked providers of any module by point and name', async () => {
    const registry = await boot(Polite, Brief);
    expect(registry.names(Greeter)).toEqual(['brief', 'polite']);
    expect(registry.get(Greeter, 'polite').greet()).toBe('good day');
    expect(registry.all(Greeter).get('brief')?.greet()).toBe('hi');
    expect(registry.names(UpstreamCredential)).toEqual([]);
  });

  it('is usable from another provider’s onModuleInit', async () => {
    @Injectable()
    class Early implements OnModuleInit {
      seen: readonly string[] = [];
      constructor(readonly registry: ExtensionRegistry) {}
      onModuleInit() {
        this.seen = this.registry.names(Greeter);
      }
    }
    @Module({ imports: [PluginModule], providers: [Early] })
    class Inner {}
    @Module({ providers: [Polite] })
    class Late {}
    @Module({ imports: [Inner, Late] })
    class Root {}
    const app = await NestFactory.createApplicationContext(Root, { logger: false });
    opened.push(app);
    expect(app.get(Early, { strict: false }).seen).toEqual(['polite']);
  });

  it('names the known alternatives when asked for an unknown name', async () => {
    const registry = await boot(Polite, Brief);
    expect(() => registry.get(Greeter, 'rude')).toThrow(
      'There is no Greeter called "rude" (known: brief, polite); is its plug-in listed under plugins:?',
    );
    expect(() => registry.get(UpstreamCredential, 'x')).toThrow('(known: none)');
  });

  it('refuses two extensions of one name, naming both classes', async () => {
    @Extension(Greeter, { name: 'polite', api: '1.0' })
    class Imitator extends Greeter {
      greet() {
        return 'good day, sir';
      }
    }
    const message = await refusal(Polite, Imitator);
    expect(message).toContain('Polite (module Extensions)');
    expect(message).toContain('Imitator (module Extensions)');
  });

  it.each(['2.0', '0.9', '1.9', 'newest'])('refuses an extension written for API %s', async (api) => {
    @Extension(Greeter, { name: 'odd', api })
    class Odd extends Greeter {
      greet() {
        return '';
      }
    }
    expect(await refusal(Odd)).toContain(`Odd (module Extensions) was written for extension API ${api}`);
  });

  it('accepts an extension that names no API version', async () => {
    @Extension(Greeter, { name: 'silent' })
    class Silent extends Greeter {
      greet() {
        return '';
      }
    }
    expect((await boot(Silent)).names(Greeter)).toEqual(['silent']);
  });

  it('refuses a class that does not extend the point it is marked for', async () => {
    @Extension(Greeter, { name: 'stray', api: '1.0' })
    class Stray {}
    expect(await refusal(Stray)).toContain('write "class X extends Greeter"');
  });

  it('refuses request-scoped extensions', async () => {
    @Injectable({ scope: Scope.REQUEST })
    @Extension(Greeter, { name: 'scoped', api: '1.0' })
    class Scoped extends Greeter {
      greet() {
        return '';
      }
    }
    expect(await refusal(Scoped)).toContain('Scoped (module Extensions) must be a singleton');
  });
});
