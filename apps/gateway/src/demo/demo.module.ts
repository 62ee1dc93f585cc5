import { Module } from '@nestjs/common';
import { Extension, type InProcessMcpServer, InProcessServer } from '#libs/plugin';
import { VERSION } from '../version.js';

/** The demo server. It is loaded when an upstream of type `in-process` asks for it, and not before. */
@Extension(InProcessServer, { name: 'demo', api: '1.0' })
export class DemoServer extends InProcessServer {
  async create(): Promise<InProcessMcpServer> {
    const { demoServer } = await import('./demo-server.js');
    return demoServer(VERSION);
  }
}

@Module({ providers: [DemoServer] })
export class DemoModule {}
