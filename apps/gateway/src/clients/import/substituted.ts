import { looksSecret, namesSecret, type Variables } from './variables.js';

/** `${VAR}`, `${VAR:-default}`, `${env:VAR}`, `${input:id}`, `${workspaceFolder}`, and `$VAR` as the whole text. */
const REFERENCE = /\$\{(?:env:|input:)?([A-Za-z_][\w.-]*)(?::-([^}]*))?\}|^\$([A-Za-z_]\w*)$/g;

/** A text that refers to variables of its client, in the gateway's words; undefined when it refers to none. */
export function substituted(text: string, from: string, variables: Variables): string | undefined {
  let found = false;
  const turned = text.replace(
    REFERENCE,
    (_, name: string | undefined, fallback: string | undefined, bare: string | undefined) => {
      found = true;
      const wished = name === 'userHome' ? 'HOME' : (name ?? bare ?? '');
      if (fallback !== undefined && !looksSecret(fallback)) return `\${${wished}:-${fallback}}`;
      return wished === 'HOME' ? '${env:HOME}' : variables.refer(wished, from);
    },
  );
  return found ? turned : undefined;
}

/** Arguments and URLs with variables in place of what others must not read. */
export function withoutSecrets(args: readonly string[], server: string, variables: Variables): string[] {
  return args.map((arg, index) => {
    const from = `an argument of ${server}`;
    const turned = substituted(arg, from, variables);
    if (turned !== undefined) return turned;
    const keep = (value: string, wished: string) => variables.keep(value, `${server}_${wished}`, server, from);
    // --api-key=… and KEY=…
    const [, name, value] = /^(-{0,2}[A-Za-z][\w.-]*)=(.+)$/s.exec(arg) ?? [];
    if (name && value && (namesSecret(name) || looksSecret(value))) return `${name}=${keep(value, name)}`;
    // --header "Authorization: Bearer …"
    const [, header, scheme = '', rest] = /^([\w-]+):\s*(Bearer\s+|Basic\s+)?(\S.*)$/i.exec(arg) ?? [];
    if (header && rest && !arg.includes('://') && namesSecret(header))
      return `${header}: ${scheme}${keep(rest, header)}`;
    if (/^https?:\/\//.test(arg)) return withoutSecretsInUrl(arg, keep);
    // --api-key …
    const before = args[index - 1] ?? '';
    if (/^-/.test(before) && !before.includes('=') && namesSecret(before) && !/^-/.test(arg)) return keep(arg, before);
    return looksSecret(arg) ? keep(arg, /:\/\//.test(arg) ? 'url' : 'token') : arg;
  });
}

/** A password, a query parameter or a piece of the path; the rest of the URL stays readable. */
function withoutSecretsInUrl(text: string, keep: (value: string, wished: string) => string): string {
  const [, origin = '', credentials, host = '', path = '', query = ''] =
    /^(https?:\/\/)(?:([^/@?#]+)@)?([^/?#]*)([^?#]*)(\?.*)?$/.exec(text) ?? [];
  if (credentials !== undefined) return keep(text, 'url');
  const pieces = path.split('/').map((piece) => (looksSecret(piece) ? keep(piece, 'url_token') : piece));
  const parameters = query.replace(/([?&])([^=&]+)=([^&]+)/g, (whole, mark: string, name: string, value: string) =>
    namesSecret(name) || looksSecret(value) ? `${mark}${name}=${keep(value, name)}` : whole,
  );
  return `${origin}${host}${pieces.join('/')}${parameters}`;
}
