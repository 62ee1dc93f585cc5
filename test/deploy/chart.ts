import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parseAllDocuments } from 'yaml';
import { ROOT } from '../support/processes.js';
import { tool } from './tool.js';

export const helm = tool('helm');
export const CHART = join(ROOT, 'deploy/helm/mcp-gateway');

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
  readonly spec?: unknown;
  readonly data?: Record<string, string>;
}

/** `helm template` with these values, read as Kubernetes reads YAML (1.1, where 0440 is octal). @throws Error with what Helm said */
export function render(values: unknown, release = 'gw'): readonly Manifest[] {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-gateway-chart-'));
  try {
    writeFileSync(join(folder, 'values.json'), JSON.stringify(values));
    const args = ['template', release, CHART, '--values', join(folder, 'values.json'), '--kube-version', '1.35.0'];
    const { status, stderr, stdout } = spawnSync(helm!, args, {
      encoding: 'utf8',
      env: { ...process.env, HELM_CACHE_HOME: folder, HELM_CONFIG_HOME: folder, HELM_DATA_HOME: folder },
    });
    if (status !== 0) throw new Error(stderr);
    return parseAllDocuments(stdout, { version: '1.1' })
      .map((document) => document.toJS() as Manifest | null)
      .filter((manifest) => manifest !== null);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The one manifest of a kind, or undefined. `component` tells services apart. */
export function find(manifests: readonly Manifest[], kind: string, component?: string): Manifest | undefined {
  return manifests.find(
    (manifest) => manifest.kind === kind && manifest.metadata.labels?.['app.kubernetes.io/component'] === component,
  );
}

/** Kubernetes' own schemas of one version, strict: a member they do not know is an error. */
export class KubernetesSchemas {
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  readonly #known = new Map<string, ValidateFunction>();

  constructor(private readonly folder: string) {
    this.#ajv.addSchema(this.#read('_definitions.json') as object, '_definitions.json');
  }

  static of(version: string): KubernetesSchemas | undefined {
    const folder = tool('kubernetes-schemas', version);
    return folder === undefined ? undefined : new KubernetesSchemas(folder);
  }

  /** What is wrong with a manifest; empty when nothing is. */
  problems(manifest: Manifest): readonly string[] {
    const validate = this.#validator(manifest);
    validate(manifest);
    const { kind } = manifest;
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${kind}${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  }

  #validator({ apiVersion, kind }: Manifest): ValidateFunction {
    const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    const parts = [kind, group.split('.')[0], version].filter((part) => part !== '');
    const file = `${parts.join('-').toLowerCase()}.json`;
    const known = this.#known.get(file);
    if (known) return known;
    const validate = this.#ajv.compile(this.#read(file) as object);
    this.#known.set(file, validate);
    return validate;
  }

  #read(file: string): unknown {
    return JSON.parse(readFileSync(join(this.folder, file), 'utf8'));
  }
}
