import { isObject } from '#libs/kernel';
import type { JsonView } from '#libs/mcp';

type Json = Readonly<Record<string, unknown>>;

/** The members of ClientCapabilities that a question to the client can need (M:elic, M:samp, M:roots). */
export function neededFor(method: string, params: JsonView | undefined): Json | undefined {
  switch (method) {
    case 'elicitation/create':
      return params?.get('mode')?.string() === 'url' ? { elicitation: { url: {} } } : { elicitation: {} };
    case 'sampling/createMessage': {
      const tools = params?.get('tools') ?? params?.get('toolChoice');
      return { sampling: tools ? { tools: {} } : {} };
    }
    case 'roots/list':
      return { roots: {} };
    default:
      return undefined;
  }
}

/** What of `needed` was not declared; undefined when nothing is missing. */
export function missing(needed: Json, declared: Json): Json | undefined {
  const lacking: Record<string, unknown> = {};
  for (const [capability, features] of Object.entries(needed)) {
    const own = member(declared, capability);
    if (!isObject(own)) {
      lacking[capability] = features;
      continue;
    }
    const wanted = isObject(features) ? Object.keys(features) : [];
    const absent = wanted.filter((feature) => !declares(capability, own, feature));
    // Elicitation without a mode is about forms, which a client that names only URLs cannot show.
    if (capability === 'elicitation' && wanted.length === 0 && !declares(capability, own, 'form')) absent.push('form');
    if (absent.length > 0) lacking[capability] = Object.fromEntries(absent.map((feature) => [feature, {}]));
  }
  return Object.keys(lacking).length > 0 ? lacking : undefined;
}

function declares(capability: string, own: Json, feature: string): boolean {
  if (isObject(member(own, feature))) return true;
  return capability === 'elicitation' && feature === 'form' && !isObject(member(own, 'url'));
}

function member(value: Json, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
