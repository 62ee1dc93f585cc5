// Loaded into the gateway before it (`node --import`): answers of upstreams go to another call that waits on the same session,
// wherever there is one. The gateway itself has no door for this: its module is changed while it is loaded.
import { registerHooks } from 'node:module';

/** Where both readers of what upstreams send ask whose answer it is, wherever the build put that. */
const READER = /\bfunction answeredCall\(/;
const LOOKUP = /(?<=\bfunction answeredCall\([^}]*\}, origin, pending\) \{[^}]*)\bpending\.get\(id\)/g;

globalThis.brokenLookup = (pending, id) => {
  const others = [...pending.values()].filter((call) => call.id !== id && call.request.method === 'tools/call');
  return pending.get(id)?.request.method === 'tools/call' && others.length > 0 ? others[0] : pending.get(id);
};

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.includes('/dist/') || loaded.format !== 'module') return loaded;
    const source = String(loaded.source);
    if (!READER.test(source)) return loaded;
    const broken = source.replaceAll(LOOKUP, 'brokenLookup(pending, id)');
    if (broken === source) throw new Error(`${url} looks answers up in other words: adapt broken-id-map.mjs`);
    return { ...loaded, source: broken };
  },
});
