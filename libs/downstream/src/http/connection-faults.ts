import type { Server } from 'node:http';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { FrontLog } from './front-log.js';

/** Limits that Node itself enforces and answers, by the code of its error. */
const LIMITS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: 'server.limits.header_size',
  ERR_HTTP_REQUEST_TIMEOUT: 'server.limits.request_timeout',
};

/** Counts connections that end before there is a request to answer. */
@Injectable()
export class ConnectionFaults implements OnApplicationBootstrap {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly log: FrontLog,
  ) {}

  onApplicationBootstrap(): void {
    const server: Server = this.host.httpAdapter.getHttpServer();
    server.on('clientError', ({ code }: NodeJS.ErrnoException) => {
      const limit = LIMITS[code ?? ''];
      if (limit !== undefined) this.log.reached(limit);
    });
  }
}
