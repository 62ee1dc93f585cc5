import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../support/processes.js';
import { CHART, find, helm, KubernetesSchemas, type Manifest, render } from './chart.js';
import { needing } from './tool.js';

const secret = (name: string) => ({ secretName: name, key: 'value' });
const SERVERS = { proxy: { servers: [{ name: 'wiki', type: 'sse', connection: { url: 'http://wiki:8000/sse' } }] } };

/** Everything switched on. */
const EVERYTHING = {
  config: { server: { url: 'https://mcp.example.com', allow_anonymous: true }, ...SERVERS },
  sessionKey: secret('session'),
  metricsToken: secret('scrape'),
  secretFiles: { n8n_key: secret('n8n') },
  env: [{ name: 'N8N_PROXY_KEY', valueFrom: { secretKeyRef: { name: 'n8n', key: 'proxy-key' } } }],
  envFrom: [{ secretRef: { name: 'more' } }],
  imagePullSecrets: [{ name: 'registry' }],
  autoscaling: { enabled: true, targetMemoryUtilizationPercentage: 80 },
  ingress: {
    ...{ enabled: true, className: 'nginx', annotations: { a: 'b' } },
    hosts: [{ host: 'mcp.example.com' }],
    tls: [{ secretName: 'tls', hosts: ['mcp.example.com'] }],
  },
  networkPolicy: {
    enabled: true,
    ingressFrom: [{ namespaceSelector: {} }],
    egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }],
  },
  serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
  serviceAccount: { annotations: { c: 'd' } },
  podLabels: { team: 'tools' },
  podAnnotations: { e: 'f' },
  extraVolumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
  extraVolumeMounts: [{ name: 'data', mountPath: '/data' }],
  nodeSelector: { disk: 'fast' },
  tolerations: [{ key: 'tools', operator: 'Exists' }],
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{}] } } },
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
  priorityClassName: 'high',
};

interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: Record<string, unknown>;
  readonly containers: readonly {
    readonly env: unknown;
    readonly securityContext: unknown;
    readonly volumeMounts: readonly { readonly mountPath: string; readonly subPath?: string }[];
  }[];
  readonly volumes: readonly { readonly name: string; readonly projected?: unknown }[];
}

const pod = (manifests: readonly Manifest[]) =>
  (find(manifests, 'Deployment')!.spec as { template: { spec: PodSpec } }).template.spec;
const configuration = (manifests: readonly Manifest[]): string =>
  find(manifests, 'ConfigMap')?.data?.['config.yaml'] ?? '';

/** What `mcp-gateway validate` says of a file. */
function validated(text: string, env: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-gateway-chart-'));
  try {
    const file = join(folder, 'config.yaml');
    writeFileSync(file, text);
    const args = [join(ROOT, 'bin/mcp-gateway.js'), 'validate', '--config', file];
    const inImage = { MCP_GATEWAY_HOST: '0.0.0.0', MCP_GATEWAY_PORT: '8082' };
    return spawnSync(process.execPath, args, { env: { PATH: '', ...inImage, ...env }, encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('Chart.yaml', () => {
  it('has the version of the gateway', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'))).toMatchObject({ version, appVersion: version });
  });
});

describe.skipIf(!helm)(`the chart${needing('helm', helm)}`, () => {
  it('passes helm lint', () => {
    const { status, stdout } = spawnSync(helm!, ['lint', '--strict', CHART], { encoding: 'utf8' });
    expect(stdout).not.toMatch(/\[(?:WARNING|ERROR)\]/);
    expect(status).toBe(0);
  });

  describe.each(['1.30', '1.37'])('by the schemas of Kubernetes %s', (version) => {
    const schemas = KubernetesSchemas.of(version);

    it.skipIf(!schemas).each([
      ['its defaults', {}],
      ['everything switched on', EVERYTHING],
      ['several replicas', { replicaCount: 3, sessionKey: secret('session') }],
      ['a policy of its defaults', { networkPolicy: { enabled: true } }],
    ])(`is sound with %s${needing('the schemas', schemas && '')}`, (_what, values) => {
      const manifests = render(values).filter(({ kind }) => kind !== 'ServiceMonitor');
      expect(manifests.length).toBeGreaterThanOrEqual(5);
      expect(manifests.flatMap((manifest) => schemas!.problems(manifest))).toEqual([]);
    });

    it.skipIf(!schemas)('is not sound with a member that Kubernetes does not know', () => {
      const manifests = render({ extraVolumes: [{ name: 'data', emptyDirectory: {} }] });
      const problems = manifests.flatMap((manifest) => schemas!.problems(manifest));
      expect(problems.join()).toContain('emptyDirectory');
    });
  });

  it('has pods that the restricted profile of pod security admits', () => {
    const { containers, securityContext } = pod(render(EVERYTHING));
    expect(securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    for (const container of containers) {
      expect(container.securityContext).toEqual({
        ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
      });
    }
  });

  it('gives the gateway the published example where no configuration is given', () => {
    expect(readFileSync(join(CHART, 'files/config.yaml'), 'utf8')).toBe(
      readFileSync(join(ROOT, 'config/examples/published-1.yaml'), 'utf8'),
    );
    const { metrics, ...given } = parse(configuration(render({}))) as Record<string, unknown>;
    expect(given).toEqual(parse(readFileSync(join(ROOT, 'config/examples/published-1.yaml'), 'utf8')));
    expect(metrics).toEqual({ listen: '0.0.0.0:9464' });
  });

  it('has a configuration that the gateway takes, and nothing of the example in one of your own', () => {
    const env = {
      OKTA_ISSUER: 'https://acme.okta.com/oauth2/default',
      N8N_URL: 'http://n8n:5678/mcp',
      N8N_PROXY_KEY: 'k'.repeat(32),
    };
    expect(validated(configuration(render({})), env)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('n8n'),
    });
    const own = configuration(render({ config: EVERYTHING.config }));
    expect(validated(own, {})).toMatchObject({ status: 0, stdout: expect.stringContaining('servers wiki') });
    expect(own).not.toMatch(/n8n|okta|groups/i);
  });

  it('names secrets and contains none: files for the session key and the token, by the configuration', () => {
    const manifests = render(EVERYTHING);
    const { server, metrics } = parse(configuration(manifests)) as Record<string, Record<string, unknown>>;
    expect(server?.['session_key']).toBe('${file:/run/secrets/session_key}');
    expect(metrics?.['token']).toBe('${file:/run/secrets/metrics_token}');
    const paths = ['metrics_token', 'n8n_key', 'session_key'];
    const names = { metrics_token: 'scrape', n8n_key: 'n8n', session_key: 'session' } as Record<string, string>;
    expect(pod(manifests).volumes.find(({ name }) => name === 'secrets')?.projected).toEqual({
      defaultMode: 0o440,
      sources: paths.map((path) => ({ secret: { name: names[path], items: [{ key: 'value', path }] } })),
    });
    expect(find(manifests, 'Secret')).toBeUndefined();
  });

  it('mounts the configuration as a folder, so that a change arrives', () => {
    const [container] = pod(render({})).containers;
    const mount = container?.volumeMounts.find(({ mountPath }) => mountPath === '/etc/mcp-gateway');
    expect(mount).toBeDefined();
    expect(mount?.subPath).toBeUndefined();
  });

  it.each([
    ['the defaults', undefined, 5 + 60 + 10],
    ['minutes', { drain: '15s', timeout: '2m' }, 15 + 120 + 10],
    ['parts of a second', { drain: '500ms', timeout: '1.5s' }, 1 + 2 + 10],
  ])('gives a pod the time to stop that the configuration may take: %s', (_what, shutdown, seconds) => {
    const config = { server: { allow_anonymous: true, ...(shutdown && { shutdown }) }, ...SERVERS };
    expect(pod(render({ config })).terminationGracePeriodSeconds).toBe(seconds);
  });

  it('has a budget for disruptions only where there is a second replica, and replicas only where none scales', () => {
    expect(find(render({}), 'PodDisruptionBudget')).toBeUndefined();
    const scaled = render(EVERYTHING);
    expect(find(scaled, 'PodDisruptionBudget')).toBeDefined();
    expect(find(scaled, 'Deployment')?.spec).not.toHaveProperty('replicas');
    expect(find(scaled, 'HorizontalPodAutoscaler')?.apiVersion).toBe('autoscaling/v2');
  });

  it('lets the Prometheus Operator scrape the service for metrics alone, with the token', () => {
    const manifests = render(EVERYTHING);
    const monitor = find(manifests, 'ServiceMonitor')?.spec as {
      selector: { matchLabels: Record<string, string> };
      endpoints: unknown;
    };
    const selected = (labels: Record<string, string> = {}) =>
      Object.entries(monitor.selector.matchLabels).every(([key, value]) => labels[key] === value);
    const services = manifests.filter(({ kind }) => kind === 'Service');
    expect(services.filter(({ metadata }) => selected(metadata.labels)).map(({ metadata }) => metadata.name)).toEqual([
      'gw-mcp-gateway-metrics',
    ]);
    expect(monitor.endpoints).toEqual([
      {
        ...{ port: 'metrics', path: '/metrics', interval: '30s' },
        authorization: { type: 'Bearer', credentials: { name: 'scrape', key: 'value' } },
      },
    ]);
  });

  it.each([
    [
      'several replicas without a common key',
      { replicaCount: 2 },
      /more than one replica needs sessionKey\.secretName.*kubectl create secret/,
    ],
    ['an ingress without a host', { ingress: { enabled: true } }, /ingress\.enabled needs ingress\.hosts/],
    ['a port in the configuration', { config: { server: { port: 1 }, ...SERVERS } }, /set containerPort/],
    [
      'a shutdown that is no duration',
      { config: { server: { shutdown: { drain: 'soon' } } } },
      /"soon" is not a duration/,
    ],
    ['a value there is not', { replicas: 2 }, /additional properties 'replicas' not allowed/],
    ['a value of another kind', { service: { port: 'http' } }, /at '\/service\/port': got string, want integer/],
  ])('refuses %s, and says what to do', (_what, values, sentence) => {
    expect(() => render(values)).toThrow(sentence);
  });
});
