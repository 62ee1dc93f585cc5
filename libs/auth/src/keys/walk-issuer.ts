import type { EgressClient } from '#libs/egress';
import { messageOf } from '#libs/kernel';
import { askMetadata, metadataUrl } from './discovery.js';
import type { IssuerPlace } from './issuer-keys.js';
import { loadKeys } from './load-keys.js';

/** One step of the way to an issuer's keys. */
export interface IssuerStep {
  readonly issuer: string;
  readonly step: 'metadata' | 'issuer' | 'jwks_uri' | 'keys';
  readonly passed: boolean;
  /** What was found there, or why it was no use, as a sentence. */
  readonly found: string;
}

/** Goes the way that a token's verification goes, and tells of each step. Ends at the first that fails. Never throws. */
export async function walkIssuer(
  egress: Pick<EgressClient, 'json'>,
  { issuer, jwksUri, discovery }: IssuerPlace,
  algorithms: readonly string[],
): Promise<readonly IssuerStep[]> {
  const steps: IssuerStep[] = [];
  const tell = (step: IssuerStep['step'], passed: boolean, found: string) =>
    steps.push({ issuer, step, passed, found });
  let uri = jwksUri;
  if (uri === undefined) {
    const failures: { step: IssuerStep['step']; found: string }[] = [];
    for (const form of discovery) {
      const url = metadataUrl(issuer, form);
      try {
        const metadata = await askMetadata(egress, issuer, form);
        if ('uri' in metadata) {
          tell('metadata', true, url);
          tell('issuer', true, 'it names itself as configured, to the letter');
          uri = metadata.uri;
          break;
        }
        failures.push({ step: metadata.failed, found: `${url}: ${metadata.flaw}` });
      } catch (thrown) {
        failures.push({ step: 'metadata', found: `${url}: ${messageOf(thrown)}` });
      }
    }
    if (uri === undefined) {
      // A document that was there and wrong says more than one that was not.
      const telling = failures.find(({ step }) => step !== 'metadata') ?? failures[0];
      tell(telling?.step ?? 'metadata', false, telling?.found ?? 'no place to look at');
      return steps;
    }
  }
  try {
    const trust =
      jwksUri === undefined ? ({ trust: 'discovered', origin: new URL(issuer).origin } as const) : undefined;
    const keys = await loadKeys(egress, { url: uri, ...(trust ?? { trust: 'operator' }) });
    const served = algorithms.filter((alg) => keys.serves(alg));
    const count = `${uri}: ${keys.size} ${keys.size === 1 ? 'key' : 'keys'}`;
    if (served.length > 0) tell('keys', true, `${count}, good for ${served.join(', ')}`);
    else tell('keys', false, `${count}, none for oauth.algorithms (${algorithms.join(', ')})`);
  } catch (thrown) {
    tell('keys', false, `${uri}: ${messageOf(thrown)}`);
  }
  return steps;
}
