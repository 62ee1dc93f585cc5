import { type ClientHop, isObject } from '#libs/kernel';

/**
 * What the gateway declares to an upstream on behalf of a client: what this client declared and the gateway relays,
 * nothing else. Legacy sessions fix it at `initialize`, so sessions are pooled by it.
 */
export interface ClientCapabilities {
  /** Canonical: equal sets have equal keys. Empty when nothing is declared. */
  readonly key: string;
  /** JSON of the capabilities object, as revisions with `initialize` spell it. */
  readonly json: string;
  /** The same as modern revisions do, which name every mode and have no roots that change. */
  readonly modernJson: string;
  readonly elicitationForm: boolean;
  readonly elicitationUrl: boolean;
  readonly sampling: boolean;
  readonly samplingTools: boolean;
  readonly samplingContext: boolean;
  readonly roots: boolean;
  readonly rootsListChanged: boolean;
}

type Json = Readonly<Record<string, unknown>>;

function objectAt(value: unknown): Json | undefined {
  return isObject(value) ? value : undefined;
}

/** Picks what is relayed out of a client's declared capabilities. */
export function relayedCapabilities(declared: Json): ClientCapabilities {
  const elicitation = objectAt(declared['elicitation']);
  const sampling = objectAt(declared['sampling']);
  const roots = objectAt(declared['roots']);
  const elicitationUrl = objectAt(elicitation?.['url']) !== undefined;
  // An elicitation capability that names no mode means forms (2025-06-18 knew nothing else).
  const elicitationForm = elicitation !== undefined && (objectAt(elicitation['form']) !== undefined || !elicitationUrl);
  const samplingTools = objectAt(sampling?.['tools']) !== undefined;
  const samplingContext = objectAt(sampling?.['context']) !== undefined;
  const rootsListChanged = roots?.['listChanged'] === true;

  const json: Record<string, unknown> = {};
  const key: string[] = [];
  if (elicitation) {
    // Forms alone are declared the way every revision understands.
    json['elicitation'] = elicitationUrl ? { ...(elicitationForm ? { form: {} } : {}), url: {} } : {};
    key.push(`e${elicitationForm ? 'f' : ''}${elicitationUrl ? 'u' : ''}`);
  }
  if (sampling) {
    json['sampling'] = { ...(samplingTools ? { tools: {} } : {}), ...(samplingContext ? { context: {} } : {}) };
    key.push(`s${samplingTools ? 't' : ''}${samplingContext ? 'c' : ''}`);
  }
  if (roots) {
    json['roots'] = rootsListChanged ? { listChanged: true } : {};
    key.push(`r${rootsListChanged ? 'l' : ''}`);
  }
  return Object.freeze({
    key: key.join(','),
    json: JSON.stringify(json),
    modernJson: JSON.stringify({
      ...(elicitation && {
        elicitation: { ...(elicitationForm && { form: {} }), ...(elicitationUrl && { url: {} }) },
      }),
      ...(sampling && { sampling: json['sampling'] }),
      ...(roots && { roots: {} }),
    }),
    elicitationForm,
    elicitationUrl,
    sampling: sampling !== undefined,
    samplingTools,
    samplingContext,
    roots: roots !== undefined,
    rootsListChanged,
  });
}

export const NO_CAPABILITIES: ClientCapabilities = relayedCapabilities({});

const known = new WeakMap<object, ClientCapabilities>();

/** The same, worked out once per capabilities object. */
export function capabilitiesOf(client: ClientHop): ClientCapabilities {
  let found = known.get(client.capabilities);
  if (!found) {
    found = relayedCapabilities(client.capabilities);
    known.set(client.capabilities, found);
  }
  return found;
}
