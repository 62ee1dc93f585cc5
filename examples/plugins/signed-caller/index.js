// A credential: tells an upstream who is calling, signed with a key that it shares with the gateway.
//
//   plugins: [./plugins/signed-caller/index.js]
//   proxy:
//     servers:
//       - name: orders
//         type: streamable-http
//         connection: { url: https://orders.example.com/mcp }
//         auth: { type: signed-caller, key: "${ORDERS_KEY}" }
//
// Each request carries `x-caller`, base64url of JSON {"iss","sub","aud","iat"}, and its HMAC-SHA256 as `x-caller-signature`.
// The gateway's own requests (discovery, heartbeat) carry {"service","aud","iat"}.

import { createHmac } from 'node:crypto';
import { Module } from '@nestjs/common';
import { Extension, Secret, UpstreamCredential } from 'mcp-gateway/plugin';

export class SignedCaller extends UpstreamCredential {
  // Differs per caller: upstream sessions are never shared between people.
  personal = true;

  validate(settings) {
    const problems = [];
    if (keyOf(settings).length < 32)
      problems.push('key: must have at least 32 characters, for example "${ORDERS_KEY}"');
    const { service = 'x' } = settings;
    if (typeof service !== 'string' || service === '') problems.push('service: must be a name for the gateway itself');
    return problems;
  }

  headers(target, settings, caller) {
    const key = keyOf(settings);
    if (key === '')
      return { kind: 'missing', reason: `auth.key of ${target.name} is empty; set it in the configuration` };
    if (caller?.anonymous) {
      return { kind: 'missing', reason: `${target.name} has to know who is calling; switch on oauth or api_keys` };
    }
    const who = caller ? { iss: caller.issuer, sub: caller.subject } : { service: settings.service ?? 'mcp-gateway' };
    const claims = { ...who, aud: target.name, iat: Math.floor(Date.now() / 1000) };
    const text = Buffer.from(JSON.stringify(claims)).toString('base64url');
    const signature = createHmac('sha256', key).update(text).digest('base64url');
    return { kind: 'ok', headers: { 'x-caller': text, 'x-caller-signature': signature } };
  }
}
Extension(UpstreamCredential, { name: 'signed-caller', api: '1.1' })(SignedCaller);

/** The gateway hands over as a Secret what is one by its name. */
function keyOf({ key }) {
  return key instanceof Secret ? key.reveal() : String(key ?? '');
}

export default class SignedCallerPlugin {}
Module({ providers: [SignedCaller] })(SignedCallerPlugin);
