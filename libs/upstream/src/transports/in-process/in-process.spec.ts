import 'reflect-metadata';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  Extension,
  ExtensionRegistry,
  InProcessServer,
  PluginModule,
  UpstreamCredential,
  UpstreamTransport,
} from '#libs/plugin';
import { Conversation, testTarget } from '../../testing/index.js';
import { WayOutModule } from '../../testing/way-out.module.js';
import { TransportsModule } from '../transports.module.js';

@Extension(InProcessServer, { name: 'lab', api: '1.0' })
class Lab extends InProcessServer {
  create(): McpServer {
    const server = new McpServer({ name: 'lab', version: '1.0.0' }, { capabilities: { logging: {} } });
    server.registerTool('steps', { inputSchema: { n: z.number() } }, async ({ n }, { sendNotification, _meta }) => {
      const progressToken = _meta?.progressToken ?? 0;
      for (let progress = 1; progress <= n; progress++) {
        await sendNotification({ method: 'notifications/progress', params: { progressToken, progress } });
      }
      return { content: [{ type: 'text', text: 'done' }] };
    });
    server.registerTool('ask', {}, async ({ sendRequest }) => {
      const answer = await sendRequest({ method: 'ping' }, z.object({}).loose());
      return { content: [{ type: 'text', text: JSON.stringify(answer) }] };
    });
    return server;
  }
}

describe('the in-process transport', () => {
  let app: Awaited<ReturnType<typeof NestFactory.createApplicationContext>>;
  let talk: Conversation;

  beforeEach(async () => {
    @Module({ imports: [PluginModule, WayOutModule, TransportsModule], providers: [Lab] })
    class Root {}
    app = await NestFactory.createApplicationContext(Root, { logger: false, abortOnError: false });
    const transport = app.get(ExtensionRegistry).get(UpstreamTransport, 'in-process');
    talk = await Conversation.open(transport, testTarget({ name: 'other', options: { server: 'lab' } }));
    const init = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
    expect((await talk.result('initialize', init))['serverInfo']).toMatchObject({ name: 'lab' });
    await talk.post({ method: 'notifications/initialized' });
  });

  afterEach(async () => {
    await talk.connection.close();
    await app.close();
  });

  it('carries the progress of an SDK server with its request', async () => {
    const asked = talk.ask('tools/call', { name: 'steps', arguments: { n: 3 }, _meta: { progressToken: 'p' } });
    await asked.response;
    expect(asked.own.map(({ params }) => params?.['progress'])).toEqual([1, 2, 3, undefined]);
  });

  it('carries questions of an SDK server with the request they belong to', async () => {
    const asked = talk.ask('tools/call', { name: 'ask', arguments: {} });
    await talk.until(() => asked.own.length > 0);
    expect(asked.own[0]).toMatchObject({ method: 'ping' });
    await talk.post({ id: asked.own[0]?.id, result: { pong: 1 } });
    expect((await asked.response).result).toEqual({ content: [{ type: 'text', text: '{"pong":1}' }] });
  });

  it('is found by the name of the upstream when no server is named', () => {
    const transport = app.get(ExtensionRegistry).get(UpstreamTransport, 'in-process');
    expect(transport.validate(testTarget({ name: 'lab' }))).toEqual([]);
    expect(transport.validate(testTarget({ name: 'lob' }))[0]).toMatch(/^server: .*called "lob" \(known: lab\)/);
    expect(transport.validate(testTarget({ options: { server: 3 } }))[0]).toMatch(/^server: must be the name/);
  });

  it('is one of the built-in transports, which are found like any other', () => {
    const registry = app.get(ExtensionRegistry);
    expect(registry.names(UpstreamTransport)).toEqual(['in-process', 'sse', 'stdio', 'streamable-http']);
    expect(registry.names(UpstreamCredential)).toEqual([
      'basic',
      'bearer',
      'header',
      'none',
      'oauth-client-credentials',
      'token-exchange',
      'unsafe_passthrough',
    ]);
  });
});
