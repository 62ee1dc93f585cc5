import type { Problem, UpstreamConfig } from '#libs/config';
import { SILENT } from '#libs/kernel';
import { type ExtensionPoint, UpstreamCredential, UpstreamTransport } from '#libs/plugin';
import { describeTarget } from '../upstream/target.js';

/** Where the known transports and credentials are found. The plug-in registry fits. */
export interface KnownExtensions {
  all<T extends object>(point: ExtensionPoint<T>): ReadonlyMap<string, T>;
}

/**
 * What transports and credentials, built in or of plug-ins, say of the settings of enabled servers: an unknown type, a
 * key they cannot use. Reads no file and contacts nobody.
 */
export function settingsProblems(servers: readonly UpstreamConfig[], extensions: KnownExtensions): Problem[] {
  const transports = extensions.all(UpstreamTransport);
  const credentials = extensions.all(UpstreamCredential);
  return servers.flatMap((server, index) => {
    if (!server.enabled) return [];
    const place = `$.proxy.servers[${index}]`;
    const transport = transports.get(server.type);
    const credential = credentials.get(server.auth.type);
    const problems = transport
      ? toProblems(`${place}.connection`, transport.validate(describeTarget(server, SILENT)))
      : [unknown(`${place}.type`, 'transport', server.type, transports)];
    if (credential) problems.push(...toProblems(`${place}.auth`, credential.validate(server.auth)));
    else problems.push(unknown(`${place}.auth.type`, 'credential', server.auth.type, credentials));
    return problems;
  });
}

function unknown(path: string, what: string, type: string, known: ReadonlyMap<string, unknown>): Problem {
  const names = [...known.keys()].sort().join(', ');
  return {
    path,
    message: `there is no ${what} "${type}"; known are ${names}, and those of plug-ins listed under plugins: (a new plug-in needs a restart)`,
  };
}

/** A sentence starts with the key it is about: `url: must be …`. */
function toProblems(place: string, sentences: readonly string[]): Problem[] {
  return sentences.map((sentence) => {
    const [, key, message] = /^([A-Za-z_][\w-]*(?:[.[][\w\].[-]*)?): (.*)$/s.exec(sentence) ?? [];
    return key === undefined ? { path: place, message: sentence } : { path: `${place}.${key}`, message: message ?? '' };
  });
}
