/** A bare Nest application on Fastify: one route and nothing else. What the gateway's start and memory are beside. */
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';

class LiveController {
  live() {
    return { status: 'ok' };
  }
}
const descriptor = /** @type {PropertyDescriptor} */ (
  Object.getOwnPropertyDescriptor(LiveController.prototype, 'live')
);
Get('live')(LiveController.prototype, 'live', descriptor);
Controller()(LiveController);

class AppModule {}
Module({ controllers: [LiveController] })(AppModule);

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');
process.stdout.write(`listening ${app.getHttpServer().address().port}\n`);
process.on('SIGTERM', () => process.exit(0));
