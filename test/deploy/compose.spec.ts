import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../support/processes.js';
import { environment, inherited, stages } from './dockerfile.js';
import { needing, tool } from './tool.js';

interface Service {
  readonly image?: string;
  readonly build?: { readonly target: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly profiles?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly network_mode?: string;
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
}

interface Realm {
  readonly realm: string;
  readonly groups: readonly { readonly name: string }[];
  readonly users: readonly { readonly username: string; readonly groups: readonly string[] }[];
  readonly clients: readonly {
    readonly clientId: string;
    readonly protocolMappers: readonly { readonly config: Record<string, string> }[];
  }[];
}

interface Settings {
  readonly server: { readonly url: string };
  readonly oauth?: { readonly authorization_servers: readonly string[] };
  readonly auth?: { readonly mappings: Record<string, unknown> };
  readonly proxy: { readonly servers: readonly { readonly connection: { readonly url?: string } }[] };
  readonly metrics: { readonly listen: string };
}

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const text = read('docker-compose.yml');
const file = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const services = Object.entries(file.services);
const gateways = services.filter(([name]) => name.startsWith('gateway'));
const configuration = (name: string) => parse(read(`deploy/compose/${name}/config.yaml`)) as Settings;
const schema = tool('compose-schema', 'compose-spec.json');

describe('docker-compose.yml', () => {
  it.skipIf(!schema)(`is a compose file by the schema of the specification${needing('the schema', schema)}`, () => {
    // It names its draft, 2019-09, in a spelling that is nobody's, and has the `id` of a draft before that.
    const { $schema: _draft, ...compose } = JSON.parse(readFileSync(schema!, 'utf8'), (key, value) =>
      key === 'id' && typeof value === 'string' ? undefined : value,
    ) as Record<string, unknown>;
    const validate = new Ajv2019({ strict: false, validateFormats: false, allErrors: true }).compile(compose);
    validate(file);
    expect(validate.errors).toBeNull();
    const wrong = structuredClone(file) as unknown as { services: Record<string, Record<string, unknown>> };
    wrong.services['gateway']!['imagee'] = 'x';
    expect(validate(wrong)).toBe(false);
  });

  it('mounts only what is there, and names only services and volumes it has', () => {
    for (const [name, { depends_on = {}, network_mode, volumes = [] }] of services) {
      for (const [source = ''] of volumes.map((volume) => volume.split(':'))) {
        const there = source.startsWith('./') ? existsSync(join(ROOT, source)) : source in file.volumes;
        expect(there, `${source} of ${name}`).toBe(true);
      }
      const others = [...Object.keys(depends_on), ...(network_mode ? [network_mode.replace('service:', '')] : [])];
      expect(others.filter((other) => !(other in file.services))).toEqual([]);
    }
  });

  it('needs no variable, publishes on this machine only, and pins what it fetches', () => {
    expect([...text.matchAll(/\$\{(\w+)(?!\w*:-)/g)].map(([, name]) => name)).toEqual([]);
    for (const port of services.flatMap(([, { ports = [] }]) => ports)) expect(port).toMatch(/^127\.0\.0\.1:/);
    for (const [, { image }] of services) expect(image).toMatch(/:(?!latest)[\w.-]+$/);
    const packages = JSON.parse(read('package.json')) as { devDependencies: Record<string, string> };
    const everything = '@modelcontextprotocol/server-everything';
    expect(file.services['everything']?.command).toContain(`${everything}@${packages.devDependencies[everything]}`);
  });

  it('builds a variant with npx, for its stdio server, and stops as patiently as the gateway', () => {
    for (const [, { build, read_only, stop_grace_period }] of gateways) {
      expect(stages().has(build?.target ?? '')).toBe(true);
      expect(build?.target).toBe('runners');
      expect(read_only).toBe(true);
      expect(stop_grace_period).toBe('75s');
    }
  });

  it.each(gateways.map(([name]) => name))('has a configuration for %s that it takes', (name) => {
    const inImage = environment(inherited(stages(), 'runners'));
    const args = [join(ROOT, 'bin/mcp-gateway.js'), 'validate', '--config', `deploy/compose/${name}/config.yaml`];
    const env = { PATH: '', ...inImage, ...file.services[name]?.environment };
    const said = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', env });
    expect(said.stderr).toBe('');
    expect(said.status).toBe(0);
  });

  it.each([
    ['gateway', 'gateway', '8082'],
    ['gateway-auth', 'keycloak', '8083'],
  ])('reaches %s by the address it is called by, and its servers by theirs', (name, publishing, port) => {
    const { proxy, server } = configuration(name);
    expect(server.url).toBe(`http://localhost:${port}`);
    expect(file.services[publishing]?.ports).toContain(`127.0.0.1:${port}:${port}`);
    for (const { connection } of proxy.servers) {
      if (connection.url === undefined) continue;
      const url = new URL(connection.url);
      expect(file.services[url.hostname]?.environment?.['PORT']).toBe(url.port);
    }
  });

  it('has Prometheus scrape where the gateways tell their metrics', () => {
    const [job] = (parse(read('deploy/prometheus/prometheus.yaml')) as { scrape_configs: Record<string, unknown>[] })
      .scrape_configs;
    const port = (name: string) => Number(new URL(`http://${configuration(name).metrics.listen}`).port);
    expect(job).toMatchObject({
      static_configs: [{ targets: [`gateway:${port('gateway')}`] }],
      dns_sd_configs: [{ names: ['keycloak'], port: port('gateway-auth') }],
    });
  });
});

describe('the realm of the profile auth', () => {
  const realm = JSON.parse(read('deploy/keycloak/realm.json')) as Realm;
  const settings = configuration('gateway-auth');
  const keycloak = file.services['keycloak'];

  it('issues tokens under the name the gateway trusts, for the resource it is', () => {
    expect(settings.oauth?.authorization_servers).toEqual([
      `${keycloak?.environment?.['KC_HOSTNAME']}/realms/${realm.realm}`,
    ]);
    for (const { protocolMappers } of realm.clients) {
      const audiences = protocolMappers.map(({ config }) => config['included.custom.audience']).filter(Boolean);
      expect(audiences).toEqual([`${settings.server.url}/mcp`]);
    }
  });

  it('has the groups that the configuration maps, somebody in each, and names them as it does', () => {
    const groups = realm.groups.map(({ name }) => `groups:${name}`);
    expect(Object.keys(settings.auth?.mappings ?? {}).sort()).toEqual(groups.sort());
    for (const { name } of realm.groups) {
      expect(realm.users.some((user) => user.groups.includes(`/${name}`))).toBe(true);
    }
    for (const { protocolMappers } of realm.clients) {
      const mapper = protocolMappers.find(({ config }) => config['claim.name'] === 'groups');
      expect(mapper?.config['full.path']).toBe('false');
    }
  });
});
