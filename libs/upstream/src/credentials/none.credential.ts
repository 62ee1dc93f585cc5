import { type CredentialOutcome, Extension, UpstreamCredential } from '#libs/plugin';

const NOTHING: CredentialOutcome = { kind: 'ok', headers: {} };

/** `auth: { type: none }`: the upstream asks for nothing. */
@Extension(UpstreamCredential, { name: 'none', api: '1.0' })
export class NoneCredential extends UpstreamCredential {
  override readonly personal = false;

  headers(): CredentialOutcome {
    return NOTHING;
  }
}
