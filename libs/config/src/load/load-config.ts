import { isUtf8 } from 'node:buffer';
import { dirname } from 'node:path';
import { checkConfig } from '../checks/check-config.js';
import { GatewayConfig } from '../sections/gateway.config.js';
import { parseYaml } from '../yaml/parse-yaml.js';
import { readBounded, readProblem } from '../yaml/secret-file.js';
import { EnvReader, FileReader, type SecretReader } from '../yaml/secret-reader.js';
import { Substitution } from '../yaml/substitute.js';
import { isTreeMap, type Tree } from '../yaml/tree.js';
import { Builder } from './build.js';
import { type Digests, digestAll } from './digests.js';
import { findConfigFile } from './find-file.js';
import { deepFreeze } from './freeze.js';
import { applyOverrides, type Overrides } from './overrides.js';
import { parsePath, showPath } from './path.js';
import { ConfigError, Findings, type Problem } from './problems.js';
import { toTree } from './to-tree.js';

/** Largest configuration file. */
const MAX_FILE = 1024 * 1024;

/** In a text without these there is no reference, which a backslash could spell otherwise: it need not be parsed twice. */
const MAY_REFER = /\$\{|\\/;

type Env = Readonly<Record<string, string | undefined>>;

export interface LoadOptions {
  /** From `--config`. */
  readonly file?: string | undefined;
  readonly env: Env;
  readonly overrides?: Overrides | undefined;
  /** Relative paths start here. Default: the process's folder. */
  readonly cwd?: string | undefined;
  /** Where `${scheme:…}` gets its values besides `env` and `file`, by scheme. */
  readonly secrets?: ReadonlyMap<string, SecretReader> | undefined;
  /** Where to look when nothing names a file; default `./config/config.yaml`, `/etc/mcp-gateway/config.yaml`. */
  readonly defaults?: readonly string[] | undefined;
}

export interface LoadedConfig {
  readonly kind: 'loaded';
  /** Frozen. */
  readonly config: GatewayConfig;
  /** As it was named; undefined for a configuration that is not from a file. */
  readonly file: string | undefined;
  /** Absolute. */
  readonly path: string | undefined;
  readonly warnings: readonly Problem[];
  /** Absolute paths of the files `${file:…}` referred to. */
  readonly secretFiles: readonly string[];
  /** What the file and the secret files held; see `watchConfig`. */
  readonly digests: Digests;
  /** Adds line and column to a problem that was found later; not to what a flag or a variable set. */
  readonly locate: (problem: Problem) => Problem;
}

/** There is no configuration file, and nothing named one. */
export interface NoConfig {
  readonly kind: 'none';
  readonly searched: readonly string[];
}

/**
 * Finds, reads, substitutes and checks the configuration.
 * @throws ConfigError with every problem, each with path, line and column
 * @throws GatewayError CONFIG_INVALID when there is no file although OKTA_* variables are set
 */
export function loadConfig(options: LoadOptions): LoadedConfig | NoConfig {
  const found = findConfigFile({ ...options, cwd: options.cwd ?? process.cwd() });
  if ('searched' in found) return { kind: 'none', searched: found.searched };
  const { content, text } = readConfigFile(found.file, found.shown);
  const findings = new Findings();
  const files = new FileReader(dirname(found.file));
  const { tree, references } = parseYaml(text, new Substitution(readersOf(options, files)), findings);
  const { config, locate } = finish(tree, references, true, options, findings, found.shown);
  return {
    kind: 'loaded',
    config,
    locate,
    file: found.shown,
    path: found.file,
    warnings: findings.warnings,
    secretFiles: [...files.files.keys()],
    digests: digestAll([[found.file, content], ...files.files]),
  };
}

/** A configuration file's `${scheme:…}` beyond what is built in, and the plug-ins that may know them. */
export interface SecretReferences {
  /** Entries of `plugins:`. */
  readonly plugins: readonly string[];
  /** The configuration file's folder. */
  readonly folder: string;
  readonly references: readonly { readonly scheme: string; readonly reference: string }[];
}

/**
 * What has to be read before `loadConfig` can: it answers at once, and keepers of secrets may not. Undefined when there is no
 * file. Says nothing about what is wrong with the file, which loading it does.
 * @throws ConfigError when the file cannot be read; GatewayError as `loadConfig`
 */
export function secretReferences(options: LoadOptions): SecretReferences | undefined {
  const found = findConfigFile({ ...options, cwd: options.cwd ?? process.cwd() });
  if ('searched' in found) return undefined;
  const folder = dirname(found.file);
  const { text } = readConfigFile(found.file, found.shown);
  if (!MAY_REFER.test(text)) return { folder, plugins: [], references: [] };
  const foreign = new ForeignReaders(readersOf(options, new FileReader(folder)));
  const { tree } = parseYaml(text, new Substitution(foreign), new Findings());
  const plugins = isTreeMap(tree) && Array.isArray(tree['plugins']) ? tree['plugins'] : [];
  return {
    folder,
    plugins: plugins.filter((entry): entry is string => typeof entry === 'string' && entry !== ''),
    references: foreign.seen,
  };
}

/** Knows every scheme: those it does not have are noted instead of read. */
class ForeignReaders extends Map<string, SecretReader> {
  readonly seen: { scheme: string; reference: string }[] = [];

  override get(scheme: string): SecretReader {
    const read = (reference: string) => {
      this.seen.push({ scheme, reference });
      return {};
    };
    return super.get(scheme) ?? { read };
  }
}

function readersOf({ env, secrets }: LoadOptions, files: FileReader): ReadonlyMap<string, SecretReader> {
  return new Map<string, SecretReader>([...(secrets ?? []), ['env', new EnvReader(env)], ['file', files]]);
}

/**
 * A configuration made by a program, e.g. the built-in demo: checked like a file, without substitution.
 * @throws ConfigError
 */
export function configFrom(
  settings: unknown,
  options: Pick<LoadOptions, 'env' | 'overrides'> = { env: {} },
): LoadedConfig {
  const findings = new Findings();
  const { config, locate } = finish(toTree(settings), new Map(), false, options, findings, undefined);
  const nothing = { file: undefined, path: undefined, secretFiles: [], digests: new Map() };
  return { kind: 'loaded', config, locate, warnings: findings.warnings, ...nothing };
}

function finish(
  parsed: Tree,
  references: ReadonlyMap<string, readonly string[]>,
  fromFile: boolean,
  options: Pick<LoadOptions, 'env' | 'overrides'>,
  findings: Findings,
  file: string | undefined,
): Pick<LoadedConfig, 'config' | 'locate'> {
  const { tree, origins } = applyOverrides(parsed, options.overrides ?? {}, options.env);
  const known = new Map(references);
  for (const { path, origin } of origins) known.set(showPath(path), [origin]);
  const builder = new Builder(
    findings,
    { references: (path) => known.get(showPath(path)) ?? [], warnInline: fromFile },
    GatewayConfig,
  );
  // With broken text there is no tree to speak of; more findings would only be noise.
  if (findings.problems.every(({ path }) => path !== '$')) {
    const config = builder.build(GatewayConfig, tree);
    checkConfig(config, findings);
    const elsewhere = new Set(origins.map(({ path }) => showPath(path)));
    const locate = (problem: Problem): Problem => {
      if (problem.line !== undefined || elsewhere.has(problem.path)) return problem;
      return { ...problem, ...findings.positionOf(parsePath(problem.path)) };
    };
    if (findings.problems.length === 0) return { config: deepFreeze(config), locate };
  }
  throw new ConfigError(findings.problems, file);
}

function readConfigFile(file: string, shown: string): { content: Buffer; text: string } {
  const refuse = (message: string) => new ConfigError([{ path: '$', message }], shown);
  let content: Buffer;
  try {
    content = readBounded(file, MAX_FILE);
  } catch (thrown) {
    throw refuse(`the file ${readProblem(thrown)}`);
  }
  if (!isUtf8(content)) throw refuse('the file is not UTF-8 text');
  return { content, text: content.toString('utf8').replace(/^\uFEFF/, '') };
}
