// Loaded into the gateway before it (`node --import`): answers of upstreams go to another call that waits on the same session,
// wherever there is one. The gateway itself has no door for this: its module is changed while it is loaded.
import { registerHooks } from 'node:module';

const LOOKUP = 'pending.get(message.id)';

globalThis.brokenLookup = (pending, id) => {
  const others = [...pending.values()].filter((call) => call.id !== id && call.request.method === 'tools/call');
  return pending.get(id)?.request.method === 'tools/call' && others.length > 0 ? others[0] : pending.get(id);
};

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.endsWith('/upstream/src/session/inbound.js')) return loaded;
    const source = String(loaded.source);
    if (!source.includes(LOOKUP)) throw new Error(`${url} has no ${LOOKUP}: adapt broken-id-map.mjs`);
    return { ...loaded, source: source.replaceAll(LOOKUP, 'brokenLookup(pending, message.id)') };
  },
});
