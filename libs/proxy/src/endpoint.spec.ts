import { describe, expect, it } from 'vitest';
import { configFrom } from '#libs/config';
import { principal } from '#libs/kernel';
import { Permissions } from '#libs/permission';
import { corridors } from './testing/corridor.js';
import { ScriptedUpstream } from './testing/scripted-upstream.js';

const open = corridors();

const user = principal('https://idp.example.com', 'user', { claims: { groups: ['User'] } });
const admin = principal('https://idp.example.com', 'admin', { claims: { groups: ['Admin'] } });

/** `up` has the tool `work`, the prompt `greet` and resources; `late` has not been heard of. */
async function world(permissions: object) {
  const up = new ScriptedUpstream();
  up.welcome = { instructions: 'Be brief.', capabilities: { tools: {}, prompts: {} } };
  const late = new ScriptedUpstream();
  late.opens = new Promise(() => {});
  const corridor = await open(
    { up, late },
    {
      late: ['late'],
      proxy: { toolsets: { set: { include: ['up:*'] }, later: { include: ['l*:x'] }, empty: {} } },
      decide: ({ sections }) => new Permissions(sections.auth, sections.oauth, sections.api_keys),
    },
  );
  const mappings = { 'groups:User': ['user'], 'groups:Admin': ['admin'] };
  const oauth = { enabled: true, authorization_servers: ['https://idp.example.com'] };
  const { config } = configFrom({ oauth, auth: { claims: ['groups'], mappings, permissions } });
  corridor.live.sections.oauth.replace(config.oauth);
  corridor.live.sections.auth.replace(config.auth);
  const known = (who: typeof user) =>
    ['up', 'late', 'set', 'later', 'empty', 'nothing'].filter((name) => corridor.proxy.endpoint(name, who));
  return { corridor, known };
}

describe('an endpoint', () => {
  it('is there for whom something of its servers is to be seen, and for nobody else', async () => {
    const { corridor, known } = await world({ 'up:work': ['user'], 'late:x': ['admin'] });
    expect(known(user)).toEqual(['up', 'set', 'empty']);
    expect(known(admin)).toEqual(['late', 'later', 'empty']);
    expect(corridor.proxy.endpoint(undefined, admin)).toEqual({ kind: 'aggregate' });
  });

  it('is not there for a permission about something that its server does not have', async () => {
    const { corridor, known } = await world({ 'up:nothing': ['user'], 'prompts/up:*': ['admin'] });
    expect(known(user)).toEqual(['empty']);
    expect(known(admin)).toEqual(['up', 'set', 'empty']);
    const instructions = (who: typeof user) => corridor.client({ principal: who }).initialize().instructions ?? '';
    expect(instructions(user)).toBe('');
    expect(instructions(admin)).toContain('Be brief.');
  });

  it('promises nothing of servers that the caller may not know', async () => {
    const { corridor } = await world({ 'up:work': ['user'], '*/late:*': ['admin'] });
    const capabilities = (who: typeof user) =>
      Object.keys(corridor.client({ principal: who }).initialize().capabilities);
    // Whatever it may turn out to have.
    expect(capabilities(admin)).toContain('completions');
    expect(capabilities(user).sort()).toEqual(['prompts', 'tools']);
  });
});
