import { type Principal, principal, Secret } from '#libs/kernel';
import type { AuthSetup } from '#libs/plugin';
import type { Preset } from '../providers/preset.js';
import { type Reach, reachOf } from './audience.js';
import { audiencesOf, type Claims, idTokenFlaw, purposeFlaw, subjectOf, textClaim, timeFlaw } from './claims.js';

export interface ClaimsContext {
  readonly preset: Preset;
  readonly setup: AuthSetup;
  /** The configured issuer whose token this is. */
  readonly issuer: string;
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export type Judged = { readonly principal: Principal; readonly reach: Reach } | { readonly refused: string };

/** Everything a token says, judged: JWTs with a good signature and answers of an introspection endpoint alike. */
export function judgeClaims(claims: Claims, { preset, setup, issuer, token, now }: ClaimsContext): Judged {
  const flaw =
    timeFlaw(claims, { now, tolerance: setup.clockTolerance }) ??
    purposeFlaw(claims) ??
    (preset.idTokens ? undefined : idTokenFlaw(claims, preset.grants));
  if (flaw !== undefined) return { refused: flaw };
  const audiences = audiencesIn(claims, preset);
  if (!audiences) return { refused: 'its aud is neither text nor a list of texts' };
  const who = subjectOf(claims, preset.subject);
  if ('flaw' in who) return { refused: who.flaw };
  const rejected = preset.rejects?.(claims, setup);
  if (rejected !== undefined) return { refused: rejected };
  return {
    reach: reachOf(audiences, setup, preset.audiences?.(issuer, setup) ?? []),
    principal: principal(issuer, who.subject, {
      claims,
      clientId: textClaim(claims, preset.client),
      expiresAt: (claims['exp'] as number) * 1_000,
      token: Secret.passing(token),
    }),
  };
}

/** None when it has no `aud`, which nothing accepts, but for presets that have another claim in its place. */
function audiencesIn(claims: Claims, { audienceClaim }: Preset): readonly string[] | undefined {
  const { aud } = claims;
  if (aud !== undefined) return audiencesOf(aud);
  return audienceClaim === undefined ? [] : audiencesOf(claims[audienceClaim]);
}
