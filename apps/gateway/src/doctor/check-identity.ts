import { examineIssuers, type IssuerStep } from '#libs/auth';
import { LiveConfig, type LoadedConfig } from '#libs/config';
import { ExtensionRegistry } from '#libs/plugin';
import { judgeToken } from '../cli/judge-token.js';
import type { Rehearsal } from '../create-app.js';
import type { Finding } from './finding.js';

const DOCS = 'docs/authentication.md';

const FIXES: Readonly<Record<IssuerStep['step'], string>> = {
  metadata: 'check oauth.authorization_servers, and whether this machine may reach the issuer',
  issuer: 'write the issuer in oauth.authorization_servers exactly as it names itself',
  jwks_uri: 'name the address of its keys with oauth.jwks_uri',
  keys: 'check oauth.algorithms and oauth.jwks_uri',
};

/** The way to the keys of every issuer, and what becomes of a token. */
export async function checkIdentity(
  loaded: LoadedConfig,
  { app }: Rehearsal,
  token: string | undefined,
): Promise<Finding[]> {
  const { oauth, api_keys } = loaded.config;
  const steps = await examineIssuers(loaded.config, app.get(ExtensionRegistry));
  const findings = steps.map(({ issuer, step, passed, found }): Finding => {
    const text = `${step} of ${issuer}: ${found}`;
    return passed
      ? { level: 'ok', subject: 'identity', text }
      : { level: 'problem', subject: 'identity', text, fix: FIXES[step], docs: DOCS };
  });
  if (oauth.enabled && steps.length === 0) {
    const text = `the provider "${oauth.provider}" is a plug-in's; only a token shows whether it works`;
    findings.push({ level: 'note', subject: 'identity', text });
  }
  if (token !== undefined) findings.push(await tokenFinding(token, loaded));
  else if (oauth.enabled) {
    const text = 'no token to try: give one in MCP_GATEWAY_TOKEN to see which check it fails';
    findings.push({ level: 'note', subject: 'identity', text });
  } else if (api_keys.length > 0) {
    const text = `${api_keys.length} API ${api_keys.length === 1 ? 'key is' : 'keys are'} accepted, no identity provider`;
    findings.push({ level: 'ok', subject: 'identity', text });
  }
  return findings;
}

async function tokenFinding(token: string, loaded: LoadedConfig): Promise<Finding> {
  const judged = await judgeToken(token, new LiveConfig(loaded));
  if (judged.kind === 'accepted') {
    const { subject, issuer } = judged.principal;
    return { level: 'ok', subject: 'token', text: `accepted: ${subject} of ${issuer}` };
  }
  const fix = 'get a token that passes this check, or change the setting that refuses it';
  return { level: 'problem', subject: 'token', text: `refused: ${judged.reason}`, fix, docs: DOCS };
}
