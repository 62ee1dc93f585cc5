import type { EgressClient } from '#libs/egress';
import { messageOf } from '#libs/kernel';
import { askMetadata, metadataUrl } from './discovery.js';
import type { IssuerPlace } from './issuer-keys.js';
import { configuredKeys, discoveredKeys, type KeySource, loadKeys } from './load-keys.js';

/** One step of the way to an issuer's keys. */
export interface IssuerStep {
  readonly issuer: string;
  readonly step: 'metadata' | 'issuer' | 'jwks_uri' | 'keys';
  readonly passed: boolean;
  /** What was found there, or why it was no use, as a sentence. */
  readonly found: string;
}

type Egress = Pick<EgressClient, 'json'>;

/** Goes the way that a token's verification goes, and tells of each step. Ends at the first that fails. Never throws. */
export async function walkIssuer(
  egress: Egress,
  place: IssuerPlace,
  algorithms: readonly string[],
): Promise<readonly IssuerStep[]> {
  const { issuer, jwksUri } = place;
  if (jwksUri !== undefined) return [await walkKeys(egress, issuer, configuredKeys(jwksUri), algorithms)];
  const { steps, uri } = await walkMetadata(egress, place);
  if (uri === undefined) return steps;
  return [...steps, await walkKeys(egress, issuer, discoveredKeys(uri, issuer), algorithms)];
}

/** The steps to where the keys are; without a `uri` the last of them failed. */
async function walkMetadata(
  egress: Egress,
  { issuer, discovery }: IssuerPlace,
): Promise<{ readonly steps: readonly IssuerStep[]; readonly uri?: string }> {
  const failures: IssuerStep[] = [];
  for (const form of discovery) {
    const url = metadataUrl(issuer, form);
    const failed = (step: IssuerStep['step'], flaw: string) =>
      failures.push({ issuer, step, passed: false, found: `${url}: ${flaw}` });
    try {
      const metadata = await askMetadata(egress, issuer, form);
      if ('uri' in metadata) {
        const named = 'it names itself as configured, to the letter';
        const steps: IssuerStep[] = [
          { issuer, step: 'metadata', passed: true, found: url },
          { issuer, step: 'issuer', passed: true, found: named },
        ];
        return { steps, uri: metadata.uri };
      }
      failed(metadata.failed, metadata.flaw);
    } catch (thrown) {
      failed('metadata', messageOf(thrown));
    }
  }
  // A document that was there and wrong says more than one that was not.
  const telling = failures.find(({ step }) => step !== 'metadata') ?? failures[0];
  return { steps: [telling ?? { issuer, step: 'metadata', passed: false, found: 'no place to look at' }] };
}

async function walkKeys(
  egress: Egress,
  issuer: string,
  source: KeySource,
  algorithms: readonly string[],
): Promise<IssuerStep> {
  const told = (passed: boolean, found: string): IssuerStep => ({
    issuer,
    step: 'keys',
    passed,
    found: `${source.url}: ${found}`,
  });
  try {
    const keys = await loadKeys(egress, source);
    const served = algorithms.filter((alg) => keys.serves(alg));
    const count = `${keys.size} ${keys.size === 1 ? 'key' : 'keys'}`;
    return served.length > 0
      ? told(true, `${count}, good for ${served.join(', ')}`)
      : told(false, `${count}, none for oauth.algorithms (${algorithms.join(', ')})`);
  } catch (thrown) {
    return told(false, messageOf(thrown));
  }
}
