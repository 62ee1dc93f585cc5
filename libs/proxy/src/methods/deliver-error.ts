import { GatewayError, type Outcome } from '#libs/kernel';
import { atLeast, errorObject, JsonView, splice } from '#libs/mcp';
import type { Delivery } from './delivery.js';

type Failure = Extract<Outcome, { kind: 'error' }>;

const NOT_FOUND_LEGACY = -32002;
const INVALID_PARAMS = -32602;
const CAPABILITY_REQUIRED = -32021;
const URL_ELICITATION_REQUIRED = -32042;

/** An upstream's error in the terms of this client's era; what is not special to an era passes as it is. */
export function deliverError(delivery: Delivery, outcome: Failure): Outcome {
  const spelled = withUri(delivery, outcome);
  return delivery.exchange.client.era === 'modern' ? forModern(delivery, spelled) : forLegacy(delivery, spelled);
}

function forModern({ server }: Delivery, outcome: Failure): Outcome {
  switch (outcome.code) {
    case NOT_FOUND_LEGACY:
      return recoded(outcome, INVALID_PARAMS);
    case URL_ELICITATION_REQUIRED:
      return asInputRequired(outcome.error, server);
    case CAPABILITY_REQUIRED: {
      const required = JsonView.of(outcome.error).at('data', 'requiredCapabilities')?.value();
      throw new GatewayError('CAPABILITY_REQUIRED', 'The server needs a capability this client did not declare', {
        data: { requiredCapabilities: typeof required === 'object' && required !== null ? required : {} },
      });
    }
    default:
      return outcome;
  }
}

function forLegacy({ exchange, method, modernOnly }: Delivery, outcome: Failure): Outcome {
  const { version } = exchange.client;
  switch (outcome.code) {
    case INVALID_PARAMS:
      return modernOnly && method === 'resources/read' ? recoded(outcome, NOT_FOUND_LEGACY) : outcome;
    case URL_ELICITATION_REQUIRED:
      return method === 'tools/call' && !atLeast(version, '2025-11-25')
        ? asToolError(visitsOf(outcome.error))
        : outcome;
    case CAPABILITY_REQUIRED: {
      const message =
        JsonView.of(outcome.error).get('message')?.string() ?? 'The server needs another client capability';
      if (method === 'tools/call') return asToolError([message]);
      return { kind: 'error', code: -32603, error: Buffer.from(errorObject(-32603, message)) };
    }
    default:
      return outcome;
  }
}

/** The same error under another code; message and data stay. */
function recoded(outcome: Failure, code: number): Failure {
  const at = JsonView.of(outcome.error).get('code');
  if (!at) return outcome;
  return { ...outcome, code, error: splice(outcome.error, [{ start: at.start, end: at.end, text: String(code) }]) };
}

function withUri({ map }: Delivery, outcome: Failure): Failure {
  const uri = map && JsonView.of(outcome.error).at('data', 'uri');
  const text = uri?.string();
  if (!map || !uri || text === undefined) return outcome;
  const error = splice(outcome.error, [{ start: uri.start, end: uri.end, text: JSON.stringify(map(text)) }]);
  return { ...outcome, error };
}

interface Visit {
  readonly message: string;
  readonly url: string;
}

function visits(error: JsonView): Visit[] {
  return (error.at('data', 'elicitations')?.items() ?? []).map((ask) => ({
    message: ask.get('message')?.string() ?? 'Open',
    url: ask.get('url')?.string() ?? '',
  }));
}

function visitsOf(error: Buffer): string[] {
  const view = JsonView.of(error);
  const lines = visits(view).map(({ message, url }) => `${message}: ${url}`);
  return [view.get('message')?.string() ?? 'A visit to a web page is needed', ...lines];
}

/** Clients that do not know an error of a newer revision get it as text a person can act on. */
function asToolError(lines: readonly string[]): Outcome {
  const result = Buffer.from(JSON.stringify({ content: [{ type: 'text', text: lines.join('\n') }], isError: true }));
  return { kind: 'result', result };
}

/** The visits a legacy upstream wants first are questions to a modern client; its retry simply calls again. */
function asInputRequired(error: Buffer, server: string): Outcome {
  const inputRequests = Object.fromEntries(
    visits(JsonView.of(error)).map(({ message, url }, index) => [
      `visit-${index + 1}`,
      { method: 'elicitation/create', params: { mode: 'url', message, url } },
    ]),
  );
  return { kind: 'input_required', result: Buffer.from(JSON.stringify({ inputRequests })), server };
}
