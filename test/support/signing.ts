import { constants, createHmac, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export type Jwk = Record<string, unknown> & { readonly kty: string; readonly kid: string; readonly alg: string };

/** A key pair with its id, as an identity provider keeps it. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly privateJwk: Jwk;
  readonly publicJwk: Jwk;
}

/** A fresh key pair for `RS256` (or `PS256`), `ES256` or `EdDSA`. */
export function signingKey(kid: string, alg = 'RS256', modulusLength = 2048): SigningKey {
  const pair =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : alg === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength });
  const jwk = (key: KeyObject) => ({ ...key.export({ format: 'jwk' }), kid, alg, use: 'sig' }) as Jwk;
  return { kid, alg, ...pair, privateJwk: jwk(pair.privateKey), publicJwk: jwk(pair.publicKey) };
}

/** Any signature a token can carry, wrong ones included: `HS256` takes bytes for a key, `none` none at all. */
export function signature(alg: unknown, input: string, key: KeyObject | Buffer | string): string {
  const data = Buffer.from(input);
  const privateKey = () => (typeof key === 'string' || Buffer.isBuffer(key) ? createPrivateKey(key) : key);
  switch (alg) {
    case 'HS256':
      return createHmac('sha256', key as Buffer)
        .update(data)
        .digest('base64url');
    case 'RS256':
      return sign('sha256', data, privateKey()).toString('base64url');
    case 'PS256':
      return sign('sha256', data, {
        key: privateKey(),
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      }).toString('base64url');
    case 'ES256':
      return sign('sha256', data, { key: privateKey(), dsaEncoding: 'ieee-p1363' }).toString('base64url');
    case 'EdDSA':
      return sign(null, data, privateKey()).toString('base64url');
    default:
      return '';
  }
}

/** A compact JWS of whatever it is given, however wrong. Members that are undefined are left out. */
export function compactJws(
  header: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>> | string,
  key: KeyObject | Buffer | string,
): string {
  const text = typeof claims === 'string' ? claims : JSON.stringify(claims);
  const input = `${encode(JSON.stringify(header))}.${encode(text)}`;
  return `${input}.${signature(header['alg'], input, key)}`;
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}
