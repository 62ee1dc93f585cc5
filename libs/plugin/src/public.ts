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

/** What `@Public` says of a route, its own mark before its controller's; undefined: not public. */
export function publicOptions(
  reflector: Reflector,
  ...targets: Parameters<Reflector['get']>[1][]
): PublicOptions | undefined {
  return reflector.getAllAndOverride(PublicMark, targets);
}
