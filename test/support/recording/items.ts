/** What a recording upstream offers; names only, their contents follow from them. */
export interface Offer {
  readonly tools: readonly string[];
  readonly prompts: readonly string[];
  readonly resources: readonly string[];
  readonly templates: readonly string[];
}

/** `ask` asks its caller a question, `wait` reports progress and waits until the test lets it go; the others answer at once. */
export const OFFER: Offer = {
  tools: ['read', 'write', 'delete', 'ask', 'wait'],
  prompts: ['greet', 'secret_prompt'],
  resources: ['memo://open', 'memo://secret'],
  templates: ['memo://notes/{id}'],
};

type Params = Readonly<Record<string, unknown>>;

const OBJECT = { type: 'object' };

export const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
};

/** The question of `ask`, in the words of both eras. */
export const QUESTION = {
  method: 'elicitation/create',
  params: {
    mode: 'form',
    message: 'What?',
    requestedSchema: { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] },
  },
};

/** Answers what needs neither a caller nor a stream; undefined for a method it does not know. */
export function plainAnswer(offer: Offer, method: string, params: Params): object | undefined {
  switch (method) {
    case 'tools/list':
      return { tools: offer.tools.map((name) => ({ name, description: `The tool ${name}`, inputSchema: OBJECT })) };
    case 'tools/call':
      return text(`${params['name']} was called`);
    case 'prompts/list':
      return { prompts: offer.prompts.map((name) => ({ name, arguments: [{ name: 'who' }] })) };
    case 'prompts/get':
      return { messages: [{ role: 'user', content: { type: 'text', text: `The prompt ${params['name']}` } }] };
    case 'resources/list':
      return { resources: offer.resources.map((uri) => ({ uri, name: uri })) };
    case 'resources/templates/list':
      return { resourceTemplates: offer.templates.map((uriTemplate) => ({ uriTemplate, name: uriTemplate })) };
    case 'resources/read':
      return { contents: [{ uri: params['uri'], mimeType: 'text/plain', text: `content of ${params['uri']}` }] };
    case 'completion/complete':
      return { completion: { values: ['one', 'two'], total: 2, hasMore: false } };
    case 'ping':
    case 'logging/setLevel':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return {};
    default:
      return undefined;
  }
}

export function text(value: string): object {
  return { content: [{ type: 'text', text: value }] };
}
