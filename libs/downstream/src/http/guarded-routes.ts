import { type CanActivate, type ExecutionContext, ForbiddenException, type Type } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import type { GatewayExceptionFilter } from './gateway-exception.filter.js';

/** Answers a request, at once or later, and whatever becomes of it. */
type Handler = (request: FastifyRequest, reply: FastifyReply) => void;

/** Who serves a route; marks such as `@Public()` are read from the class and the method. */
export interface GuardedRoute {
  readonly method: HTTPMethods;
  readonly url: string;
  readonly owner: object;
  readonly handler: Handler;
}

/**
 * Routes that the application's guards stand before, and nothing else of Nest's pipeline: parameters, pipes, interceptors
 * and answers cost a call more than all that the gateway does with it. Their reply is taken from Fastify at once, before
 * it looks at a body.
 */
export class GuardedRoutes {
  constructor(
    private readonly guards: readonly CanActivate[],
    private readonly filter: GatewayExceptionFilter,
  ) {}

  add(fastify: FastifyInstance, { method, url, owner, handler }: GuardedRoute): void {
    const onRequest = (request: FastifyRequest, reply: FastifyReply) => {
      reply.hijack();
      void this.#serve(new RouteContext(request, reply, owner, handler));
    };
    fastify.route({ method, url, onRequest, handler: unreachable });
  }

  /** Never rejects: whatever goes wrong is answered. */
  async #serve(context: RouteContext): Promise<void> {
    try {
      const admitted = this.#admit(context);
      if (admitted) await admitted;
      context.handle();
    } catch (thrown) {
      this.filter.catch(thrown, context);
    }
  }

  /** Each guard in its turn; a promise only when one of them has to wait. @throws what a guard throws */
  #admit(context: RouteContext, from = 0): Promise<void> | undefined {
    for (let index = from; index < this.guards.length; index++) {
      const verdict = this.guards[index]?.canActivate(context);
      if (verdict === true) continue;
      if (verdict instanceof Promise) {
        return verdict.then((admitted) => (admitted === true ? this.#admit(context, index + 1) : refuse()));
      }
      refuse();
    }
    return undefined;
  }
}

function refuse(): never {
  throw new ForbiddenException();
}

/** What guards and the filter are told of a request, as Nest tells them. */
class RouteContext implements ExecutionContext {
  constructor(
    private readonly request: FastifyRequest,
    private readonly reply: FastifyReply,
    private readonly owner: object,
    private readonly handler: Handler,
  ) {}

  handle(): void {
    this.handler.call(this.owner, this.request, this.reply);
  }

  getClass<T>(): Type<T> {
    return this.owner.constructor as Type<T>;
  }

  getHandler(): Handler {
    return this.handler;
  }

  getArgs<T extends unknown[]>(): T {
    return [this.request, this.reply] as unknown as T;
  }

  getArgByIndex<T>(index: number): T {
    return (index === 0 ? this.request : index === 1 ? this.reply : undefined) as T;
  }

  getType<T extends string>(): T {
    return 'http' as T;
  }

  switchToHttp() {
    return {
      getRequest: <T>() => this.request as T,
      getResponse: <T>() => this.reply as T,
      getNext: <T>() => unreachable as T,
    };
  }

  switchToRpc(): never {
    return unreachable();
  }

  switchToWs(): never {
    return unreachable();
  }
}

function unreachable(): never {
  throw new Error('this route is served before its handler, over HTTP');
}
