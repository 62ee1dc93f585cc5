import { setTimeout as wait } from 'node:timers/promises';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { ElicitResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

const ABOUT = `This is the built-in demo server of MCP Gateway. It runs inside the gateway's own process and shows what has to
work between a client and a server: results, structured results, progress, cancellation, questions and errors.
Put your own servers into config/config.yaml and it is gone.`;

const READ_ONLY = { readOnlyHint: true, openWorldHint: false } as const;

/** An ordinary MCP server with one tool for everything a client must cope with. */
export function demoServer(version: string): McpServer {
  const server = new McpServer(
    { name: 'mcp-gateway-demo', title: 'MCP Gateway demo', version },
    { instructions: 'Tools to try a client with: echo, add, slow (progress), ask (asks the user), fail (an error).' },
  );
  addPlainTools(server);
  addSlowTool(server);
  addAskingTool(server);
  addThings(server);
  return server;
}

function addPlainTools(server: McpServer): void {
  server.registerTool(
    'echo',
    {
      title: 'Echo',
      description: 'Gives the message back',
      inputSchema: { message: z.string().describe('What to say') },
      annotations: READ_ONLY,
    },
    ({ message }) => ({ content: [{ type: 'text', text: message }] }),
  );
  server.registerTool(
    'add',
    {
      title: 'Add',
      description: 'Adds two numbers; answers as text and as structured content',
      inputSchema: { a: z.number(), b: z.number() },
      outputSchema: { sum: z.number() },
      annotations: READ_ONLY,
    },
    ({ a, b }) => ({
      content: [{ type: 'text', text: `${a} + ${b} = ${a + b}` }],
      structuredContent: { sum: a + b },
    }),
  );
  server.registerTool(
    'fail',
    { title: 'Fail', description: 'Always fails, as a tool does that could not do its work', annotations: READ_ONLY },
    () => ({ content: [{ type: 'text', text: 'This tool always fails: that is what it is for.' }], isError: true }),
  );
}

function addSlowTool(server: McpServer): void {
  server.registerTool(
    'slow',
    {
      title: 'Slow',
      description: 'Takes its time, reports progress and can be cancelled',
      inputSchema: {
        seconds: z.number().min(0).max(600).default(5).describe('How long it takes'),
        steps: z.number().int().min(1).max(100).default(5).describe('How often it reports progress'),
      },
      annotations: READ_ONLY,
    },
    async ({ seconds, steps }, { signal, sendNotification, _meta }) => {
      const progressToken = _meta?.progressToken;
      for (let step = 1; step <= steps; step += 1) {
        await wait((seconds * 1000) / steps, undefined, { signal });
        if (progressToken === undefined) continue;
        const params = { progressToken, progress: step, total: steps, message: `step ${step} of ${steps}` };
        await sendNotification({ method: 'notifications/progress', params });
      }
      return { content: [{ type: 'text', text: `Done after ${seconds} s` }] };
    },
  );
}

function addAskingTool(server: McpServer): void {
  server.registerTool(
    'ask',
    {
      title: 'Ask',
      description: 'Asks the user for a name and a colour, then greets; needs a client that supports elicitation',
      annotations: READ_ONLY,
    },
    async ({ sendRequest }) => {
      if (!server.server.getClientCapabilities()?.elicitation) {
        const text = 'This client cannot be asked: it does not declare the elicitation capability.';
        return { content: [{ type: 'text', text }], isError: true };
      }
      const answer = await sendRequest(
        {
          method: 'elicitation/create',
          params: {
            mode: 'form',
            message: 'Who are you?',
            requestedSchema: {
              type: 'object',
              properties: {
                name: { type: 'string', title: 'Your name' },
                colour: { type: 'string', title: 'A colour you like', enum: ['red', 'green', 'blue'] },
              },
              required: ['name'],
            },
          },
        },
        ElicitResultSchema,
      );
      if (answer.action !== 'accept') return { content: [{ type: 'text', text: `You chose to ${answer.action}.` }] };
      const { name, colour } = answer.content ?? {};
      const liking = colour === undefined ? '' : `, who likes ${String(colour)}`;
      return { content: [{ type: 'text', text: `Hello ${String(name)}${liking}!` }] };
    },
  );
}

function addThings(server: McpServer): void {
  server.registerResource(
    'about',
    'demo://about',
    { title: 'About this server', description: 'What the demo is for', mimeType: 'text/plain' },
    ({ href }) => ({ contents: [{ uri: href, mimeType: 'text/plain', text: ABOUT }] }),
  );
  server.registerResource(
    'greeting',
    new ResourceTemplate('demo://greetings/{name}', {
      list: undefined,
      complete: { name: (start) => ['Ada', 'Alan', 'Grace'].filter((name) => name.startsWith(start)) },
    }),
    { title: 'A greeting', description: 'Greets by name', mimeType: 'text/plain' },
    ({ href }, { name }) => ({ contents: [{ uri: href, mimeType: 'text/plain', text: `Hello ${String(name)}!` }] }),
  );
  server.registerPrompt(
    'introduce',
    { title: 'Introduce', description: 'Asks the model to introduce somebody', argsSchema: { name: z.string() } },
    ({ name }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: `Introduce ${name} in two sentences.` } }],
    }),
  );
}
