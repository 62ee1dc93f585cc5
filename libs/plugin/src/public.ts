import { Reflector } from '@nestjs/core';

/** How a public route treats the `Host` and `Origin` of its callers. */
export interface PublicOptions {
  /** Also answer foreign hosts and origins: for probes and metrics, which are called by address. Default true. */
  readonly anyHost?: boolean;
}

const PublicMark = Reflector.createDecorator<PublicOptions>();

/** Opens a route or a controller to callers without credentials. Every other route is authenticated. */
export function Public(options: PublicOptions = {}): MethodDecorator & ClassDecorator {
  return PublicMark(options);
}

type Target = Parameters<Reflector['get']>[1];

/** What `@Public` says of a route, its own mark before its controller's; undefined: not public. */
export function publicOptions(reflector: Reflector, route: Target, controller: Target): PublicOptions | undefined {
  const marks = known.get(route) ?? new Map<Target, PublicOptions | undefined>();
  if (!marks.has(controller)) {
    marks.set(controller, reflector.getAllAndOverride(PublicMark, [route, controller]));
    known.set(route, marks);
  }
  return marks.get(controller);
}

/** Marks are fixed when a class is declared: those of a route are looked up once. Controllers may inherit a route. */
const known = new WeakMap<Target, Map<Target, PublicOptions | undefined>>();
