import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { type CanActivate, type ExecutionContext, ForbiddenException, type Type } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GatewayExceptionFilter } from './gateway-exception.filter.js';

/** Answers a request, at once or later, and whatever becomes of it; `name` is what the path says behind its route. */
type Handler = (request: IncomingMessage, response: ServerResponse, name: string | undefined) => void;

/** Who serves a path and, as `<path>/:name`, what lies one step below it; marks such as `@Public()` are read from class and method. */
export interface GuardedRoute {
  readonly path: string;
  readonly owner: object;
  readonly methods: Readonly<Record<string, Handler>>;
}

/** A name in a path that means itself, however it is read. */
const PLAIN_NAME = /^[A-Za-z0-9_-]{1,100}$/;

/**
 * Routes that the application's guards stand before, and nothing else of Nest's pipeline: parameters, pipes, interceptors
 * and answers cost a call more than all that the gateway does with it. Their reply is taken from Fastify at once, before
 * it looks at a body; where the path is written in the plain way, which every client does, before it looks for a route.
 */
export class GuardedRoutes {
  constructor(
    private readonly guards: readonly CanActivate[],
    private readonly filter: GatewayExceptionFilter,
  ) {}

  add(fastify: FastifyInstance, route: GuardedRoute): void {
    for (const [method, handler] of Object.entries(route.methods)) {
      const onRequest = (request: FastifyRequest, reply: FastifyReply) => {
        reply.hijack();
        const { name } = request.params as { readonly name?: string };
        void this.#serve(new RouteContext(request, reply, route.owner, handler, name));
      };
      for (const url of [route.path, `${route.path}/:name`]) {
        fastify.route({ method, url, onRequest, handler: unreachable });
      }
    }
    this.#shorten(fastify.server, route);
  }

  /** What Fastify would find here is found without it. */
  #shorten(server: Server, { path, owner, methods }: GuardedRoute): void {
    const [search] = server.listeners('request') as RequestListener[];
    if (!search) throw new Error('Fastify does not listen to its server');
    const below = `${path}/`;
    server.off('request', search);
    server.prependListener('request', (request, response) => {
      const { method = '', url = '' } = request;
      const handler = url.startsWith(path) ? methods[method] : undefined;
      const name = url.startsWith(below) ? url.slice(below.length) : undefined;
      if (!handler || (name === undefined ? url !== path : !PLAIN_NAME.test(name))) search(request, response);
      else void this.#serve(new RouteContext({ raw: request }, new Taken(response), owner, handler, name));
    });
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

/** Of what Fastify calls a request and a reply, what guards and the filter look at. */
interface Asked {
  readonly raw: IncomingMessage;
}
interface Answering {
  readonly raw: ServerResponse;
}

/** A reply that Fastify never had. */
class Taken implements Answering {
  readonly sent = true;
  constructor(readonly raw: ServerResponse) {}
}

/** What guards and the filter are told of a request, as Nest tells them. */
class RouteContext implements ExecutionContext {
  constructor(
    private readonly request: Asked,
    private readonly reply: Answering,
    private readonly owner: object,
    private readonly handler: Handler,
    private readonly name: string | undefined,
  ) {}

  handle(): void {
    this.handler.call(this.owner, this.request.raw, this.reply.raw, this.name);
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
