import { RESOURCE } from './asking.js';

export interface Shape {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What one provider issues, and the configuration that goes with it. */
export interface Shapes {
  readonly provider: string;
  readonly oauth: Readonly<Record<string, unknown>>;
  /** A user's access token. */
  readonly access: Shape;
  readonly id: Shape;
  /** An application's own. */
  readonly app: Shape;
  /** Others that must not get in. */
  readonly refused: Readonly<Record<string, Shape>>;
  readonly user: { readonly subject: string; readonly clientId: string };
  readonly application: { readonly subject: string; readonly clientId: string };
}

const JWT = { typ: 'JWT' };
const NONE = { typ: undefined };
const AT = { typ: 'at+jwt' };

const OKTA = 'https://acme.okta.com/oauth2/default';
const okta: Shapes = {
  provider: 'okta',
  oauth: { authorization_servers: [OKTA] },
  access: {
    header: NONE,
    claims: {
      ver: 1,
      jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
      iss: OKTA,
      aud: 'api://default',
      cid: '0oabucvyc38HLL1ef0h7',
      uid: '00ujmkLgagxeRrAg20g3',
      scp: ['openid', 'n8n.read'],
      auth_time: 1_467_145_094,
      sub: 'ann@acme.example',
      groups: ['Everyone', 'Admin'],
    },
  },
  id: {
    header: NONE,
    claims: {
      ver: 1,
      jti: 'ID.4eAWJOCMB3SX8XewDfVRRpNbrtAiiTEVNqQfLQqqSmo',
      iss: OKTA,
      aud: '0oabucvyc38HLL1ef0h7',
      sub: '00ujmkLgagxeRrAg20g3',
      idp: '00ok1u7AsAkrwdZL3z0g3',
      nonce: 'n-0S6_WzA2Mj',
      at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng',
      groups: ['Admin'],
    },
  },
  app: {
    header: NONE,
    claims: {
      ver: 1,
      jti: 'AT.f5Yn5v1cZuGzGeXBCNxTrHGbAA',
      iss: OKTA,
      aud: 'api://default',
      cid: '0oa9fu3kqLZXLyzqQ0h7',
      scp: ['n8n.read'],
      sub: '0oa9fu3kqLZXLyzqQ0h7',
    },
  },
  refused: {
    'an ID token with the audience of access tokens': {
      header: NONE,
      claims: { jti: 'ID.x', iss: OKTA, aud: 'api://default', sub: 'ann@acme.example', cid: 'c', scp: ['openid'] },
    },
    'a token for another authorization server': {
      header: NONE,
      claims: { jti: 'AT.x', iss: OKTA, aud: 'api://hr', uid: '00ujmkLgagxeRrAg20g3', sub: 'a', cid: 'c', scp: ['x'] },
    },
  },
  user: { subject: '00ujmkLgagxeRrAg20g3', clientId: '0oabucvyc38HLL1ef0h7' },
  application: { subject: '0oa9fu3kqLZXLyzqQ0h7', clientId: '0oa9fu3kqLZXLyzqQ0h7' },
};

const OIDC = 'https://idp.example';
const oidc: Shapes = {
  provider: 'oidc',
  oauth: { authorization_servers: [OIDC] },
  access: {
    header: AT,
    claims: { iss: OIDC, aud: RESOURCE, sub: 'ann', client_id: 'cli', scope: 'n8n.read', jti: 'x', groups: ['Admin'] },
  },
  id: { header: JWT, claims: { iss: OIDC, aud: 'cli', sub: 'ann', nonce: 'n', at_hash: 'h', azp: 'cli' } },
  app: { header: AT, claims: { iss: OIDC, aud: RESOURCE, sub: 'cli', client_id: 'cli', scope: 'n8n.read', jti: 'y' } },
  refused: {
    'an ID token for the gateway': { header: JWT, claims: { iss: OIDC, aud: RESOURCE, sub: 'ann', scope: 'openid' } },
  },
  user: { subject: 'ann', clientId: 'cli' },
  application: { subject: 'cli', clientId: 'cli' },
};

const AUTH0 = 'https://acme.eu.auth0.com/';
const auth0: Shapes = {
  provider: 'auth0',
  oauth: { authorization_servers: [AUTH0] },
  access: {
    header: JWT,
    claims: {
      iss: AUTH0,
      sub: 'auth0|507f1f77bcf86cd799439020',
      aud: [RESOURCE, `${AUTH0}userinfo`],
      azp: 'my_client_id',
      scope: 'openid profile n8n.read',
      permissions: ['n8n.read'],
      'https://acme.example/groups': ['Admin'],
    },
  },
  id: {
    header: JWT,
    claims: {
      iss: AUTH0,
      sub: 'auth0|507f1f77bcf86cd799439020',
      aud: 'my_client_id',
      nonce: 'n',
      name: 'Ann',
      email: 'ann@acme.example',
      sid: 's',
    },
  },
  app: {
    header: AT,
    claims: {
      iss: AUTH0,
      sub: 'my_client_id@clients',
      aud: RESOURCE,
      client_id: 'my_client_id',
      gty: 'client-credentials',
      scope: 'n8n.read',
    },
  },
  refused: {
    'a token for the management API': {
      header: JWT,
      claims: {
        iss: AUTH0,
        sub: 'my_client_id@clients',
        aud: `${AUTH0}api/v2/`,
        azp: 'my_client_id',
        scope: 'read:users',
      },
    },
    'an ID token for the gateway': {
      header: JWT,
      claims: { iss: AUTH0, sub: 'auth0|1', aud: RESOURCE, nonce: 'n', name: 'Ann' },
    },
  },
  user: { subject: 'auth0|507f1f77bcf86cd799439020', clientId: 'my_client_id' },
  application: { subject: 'my_client_id@clients', clientId: 'my_client_id' },
};

const TENANT = '7f1a3c1e-4b5d-4e6f-8a9b-0c1d2e3f4a5b';
const API = 'c0ffee00-1111-4222-8333-444455556666';
const ENTRA1 = `https://sts.windows.net/${TENANT}/`;
const ENTRA2 = `https://login.microsoftonline.com/${TENANT}/v2.0`;
const PERSON = { tid: TENANT, oid: '11111111-2222-4333-8444-555555555555', sub: 'pairwise-sub-for-this-api' };
const entra: Shapes = {
  provider: 'entra',
  oauth: { authorization_servers: [ENTRA1, ENTRA2], audience: [API, `api://${API}`] },
  access: {
    header: JWT,
    claims: {
      iss: ENTRA2,
      aud: API,
      ver: '2.0',
      azp: 'client-guid',
      azpacr: '0',
      scp: 'n8n.read',
      roles: ['Admin'],
      groups: ['99999999-aaaa-4bbb-8ccc-dddddddddddd'],
      name: 'Ann',
      preferred_username: 'ann@acme.example',
      ...PERSON,
    },
  },
  id: {
    header: JWT,
    claims: { iss: ENTRA2, aud: API, ver: '2.0', nonce: 'n', name: 'Ann', roles: ['Admin'], ...PERSON },
  },
  app: {
    header: JWT,
    claims: {
      iss: ENTRA1,
      aud: `api://${API}`,
      ver: '1.0',
      appid: 'daemon-guid',
      appidacr: '1',
      idtyp: 'app',
      roles: ['Admin'],
      tid: TENANT,
      oid: 'aaaaaaaa-2222-4333-8444-555555555555',
      sub: 'aaaaaaaa-2222-4333-8444-555555555555',
    },
  },
  refused: {
    'an ID token without a nonce': { header: JWT, claims: { iss: ENTRA2, aud: API, ver: '2.0', ...PERSON } },
    'an application without idtyp': {
      header: JWT,
      claims: { iss: ENTRA2, aud: API, ver: '2.0', azp: 'daemon-guid', roles: ['Admin'], ...PERSON },
    },
    'a token of another tenant': {
      header: JWT,
      claims: { iss: ENTRA2.replace(TENANT, API), aud: API, scp: 'n8n.read', ...PERSON },
    },
    'a token without oid': {
      header: JWT,
      claims: { iss: ENTRA2, aud: API, scp: 'n8n.read', tid: TENANT, sub: 'pairwise', upn: 'ann@acme.example' },
    },
    'a token for Graph': {
      header: JWT,
      claims: { iss: ENTRA1, aud: '00000003-0000-0000-c000-000000000000', scp: 'User.Read', ...PERSON },
    },
  },
  user: { subject: `${TENANT}/11111111-2222-4333-8444-555555555555`, clientId: 'client-guid' },
  application: { subject: `${TENANT}/aaaaaaaa-2222-4333-8444-555555555555`, clientId: 'daemon-guid' },
};

const REALM = 'https://sso.acme.example/realms/staff';
const keycloak: Shapes = {
  provider: 'keycloak',
  oauth: { authorization_servers: [REALM] },
  access: {
    header: JWT,
    claims: {
      iss: REALM,
      aud: [RESOURCE, 'account'],
      sub: 'f:1:ann',
      typ: 'Bearer',
      azp: 'mcp-client',
      sid: 's',
      acr: '1',
      scope: 'openid profile n8n.read',
      realm_access: { roles: ['Admin'] },
      resource_access: { 'mcp-gw': { roles: ['reader'] } },
      groups: ['/staff/admins'],
    },
  },
  id: {
    header: JWT,
    claims: { iss: REALM, aud: 'mcp-client', sub: 'f:1:ann', typ: 'ID', azp: 'mcp-client', nonce: 'n', at_hash: 'h' },
  },
  app: {
    header: JWT,
    claims: {
      iss: REALM,
      aud: RESOURCE,
      sub: 'service-account-uuid',
      typ: 'Bearer',
      azp: 'daemon',
      client_id: 'daemon',
      scope: 'n8n.read',
      preferred_username: 'service-account-daemon',
    },
  },
  refused: {
    'an ID token for the gateway': {
      header: JWT,
      claims: { iss: REALM, aud: RESOURCE, sub: 'f:1:ann', typ: 'ID', azp: 'mcp-client', realm_access: { roles: [] } },
    },
    'a refresh token': {
      header: JWT,
      claims: { iss: REALM, aud: RESOURCE, sub: 'f:1:ann', typ: 'Refresh', azp: 'mcp-client', scope: 'openid' },
    },
    'an offline token': {
      header: JWT,
      claims: { iss: REALM, aud: RESOURCE, sub: 'f:1:ann', typ: 'Offline', azp: 'mcp-client', scope: 'openid' },
    },
    'a token bound to a key': {
      header: JWT,
      claims: { iss: REALM, aud: RESOURCE, sub: 'f:1:ann', typ: 'DPoP', cnf: { jkt: 'x' }, scope: 'openid' },
    },
    'a token without an audience mapper': {
      header: JWT,
      claims: { iss: REALM, sub: 'f:1:ann', typ: 'Bearer', azp: 'mcp-client', scope: 'openid' },
    },
  },
  user: { subject: 'f:1:ann', clientId: 'mcp-client' },
  application: { subject: 'service-account-uuid', clientId: 'daemon' },
};

const GOOGLE = 'https://accounts.google.com';
const GOOGLE_CLIENT = '1234-abc.apps.googleusercontent.com';
const google: Shapes = {
  provider: 'google',
  oauth: { authorization_servers: [GOOGLE], audience: [GOOGLE_CLIENT] },
  // Google has no access tokens in the form of a JWT: the ID token stands in.
  access: {
    header: JWT,
    claims: {
      iss: GOOGLE,
      azp: GOOGLE_CLIENT,
      aud: GOOGLE_CLIENT,
      sub: '110169484474386276334',
      at_hash: 'HK6E_P6Dh8Y93mRNtsDB1Q',
      nonce: 'n',
      hd: 'acme.example',
      email: 'ann@acme.example',
      email_verified: true,
    },
  },
  id: {
    header: JWT,
    claims: { iss: GOOGLE, azp: 'somebody-else', aud: 'somebody-else', sub: '110169484474386276334', at_hash: 'h' },
  },
  app: {
    header: JWT,
    claims: {
      iss: 'accounts.google.com',
      aud: GOOGLE_CLIENT,
      azp: '104029292853099978293',
      sub: '104029292853099978293',
      email: 'robot@project.iam.gserviceaccount.com',
      email_verified: true,
    },
  },
  refused: {
    'a token without an audience': { header: JWT, claims: { iss: GOOGLE, sub: '1', azp: GOOGLE_CLIENT } },
  },
  user: { subject: '110169484474386276334', clientId: GOOGLE_CLIENT },
  application: { subject: '104029292853099978293', clientId: '104029292853099978293' },
};

const POOL = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf';
const POOL_CLIENT = '1example23456789';
const cognito: Shapes = {
  provider: 'cognito',
  oauth: { authorization_servers: [POOL], audience: [POOL_CLIENT, 'daemon-client'] },
  access: {
    header: NONE,
    claims: {
      iss: POOL,
      sub: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
      client_id: POOL_CLIENT,
      'cognito:groups': ['Admin'],
      version: 2,
      token_use: 'access',
      scope: 'openid mcp/n8n.read',
      username: 'ann',
    },
  },
  id: {
    header: NONE,
    claims: {
      iss: POOL,
      sub: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
      aud: POOL_CLIENT,
      'cognito:groups': ['Admin'],
      token_use: 'id',
      at_hash: 'h',
      email: 'ann@acme.example',
    },
  },
  app: {
    header: NONE,
    claims: { iss: POOL, sub: 'daemon-client', client_id: 'daemon-client', token_use: 'access', scope: 'mcp/n8n.read' },
  },
  refused: {
    'a token of another app client': {
      header: NONE,
      claims: { iss: POOL, sub: 's', client_id: 'another-client', token_use: 'access', scope: 'mcp/n8n.read' },
    },
    'a token without token_use': { header: NONE, claims: { iss: POOL, sub: 's', client_id: POOL_CLIENT, scope: 'x' } },
    'a token for another resource': {
      header: NONE,
      claims: {
        iss: POOL,
        sub: 's',
        client_id: POOL_CLIENT,
        aud: 'https://other.example',
        token_use: 'access',
        scope: 'x',
      },
    },
  },
  user: { subject: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee', clientId: POOL_CLIENT },
  application: { subject: 'daemon-client', clientId: 'daemon-client' },
};

/** The shapes of tokens that the providers document, with invented people in them. */
export const SHAPES: readonly Shapes[] = [okta, oidc, auth0, entra, keycloak, google, cognito];
