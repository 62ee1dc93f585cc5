import { describe, expect, it } from 'vitest';
import { configFrom, LiveConfig, type LoadedConfig } from '#libs/config';
import { Permissions } from './permissions.js';
import { caller, thing } from './testing/policies.js';

const MAPPED = { claims: ['groups'], mappings: { 'groups:User': ['user'] } };
const OAUTH = { enabled: true, authorization_servers: ['https://idp.example.com'] };
const user = caller({ groups: ['User'] });

/** Permissions over a configuration that a test reloads. */
function world(settings: object) {
  let next: LoadedConfig = configFrom(settings);
  const live = new LiveConfig(next, { load: () => next });
  const { auth, oauth, api_keys } = live.sections;
  const reload = (changed: object) => {
    next = configFrom(changed);
    expect(live.reload().kind).toBe('applied');
  };
  return { live, reload, open: () => new Permissions(auth, oauth, api_keys) };
}

const permitting = (pattern: string) => ({ oauth: OAUTH, auth: { ...MAPPED, permissions: { [pattern]: ['user'] } } });

describe('permissions', () => {
  it('follow the configuration, and say once per reload that they are others', () => {
    const { reload, open } = world({});
    const permissions = open();
    const versions: number[] = [];
    const stop = permissions.onChange(() => versions.push(permissions.policyVersion));
    expect(permissions.decide(user, thing('n8n:x')).effect).toBe('allow');
    const { policyVersion } = permissions;
    // Two sections at once.
    reload(permitting('n8n:x'));
    expect(versions).toEqual([policyVersion + 1]);
    expect(permissions.decide(user, thing('n8n:x')).effect).toBe('allow');
    expect(permissions.decide(user, thing('n8n:y')).effect).toBe('hide');
    // Nothing of theirs.
    reload({ ...permitting('n8n:x'), log: { level: 'debug' } });
    expect(permissions.policyVersion).toBe(policyVersion + 1);
    stop();
    reload(permitting('n8n:y'));
    expect(versions).toHaveLength(1);
    expect(permissions.decide(user, thing('n8n:y')).effect).toBe('allow');
  });

  it('are today’s for whoever hears of a reload before they do', () => {
    const { live, reload, open } = world(permitting('n8n:x'));
    const early: (() => void)[] = [];
    live.sections.auth.onChange(() => {
      for (const look of early) look();
    });
    const permissions = open();
    const before = permissions.policyVersion;
    const seen: unknown[] = [];
    early.push(() => seen.push(permissions.policyVersion, permissions.decide(user, thing('n8n:x')).effect));
    reload(permitting('n8n:y'));
    expect(seen).toEqual([before + 1, 'hide']);
  });

  it('grant anew what a caller had before', () => {
    const { reload, open } = world(permitting('n8n:x'));
    const permissions = open();
    const before = permissions.classOf(user);
    expect(permissions.mayKnow(user, 'n8n')).toBe(true);
    reload({ ...permitting('n8n:x'), auth: { ...permitting('n8n:x').auth, mappings: {} } });
    expect(permissions.classOf(user)).not.toBe(before);
    expect(permissions.mayKnow(user, 'n8n')).toBe(false);
  });
});
