import { ConfigError, type ConfigWatch, type LiveConfig, showProblem, watchConfig } from '#libs/config';
import type { GatewayLogger } from '#libs/logging';

/**
 * Follows the configuration file while the gateway runs; says what changed, or why the old one stays. `refresh` reads anew
 * what the file refers to and others keep.
 */
export function followConfig(live: LiveConfig, logger: GatewayLogger, refresh: () => Promise<void>): ConfigWatch {
  const { path, digests } = live.source;
  if (path === undefined) return { close() {} };
  live.sections.log.onChange((log) => {
    logger.level = log.level;
  });
  const onError = (err: unknown) => logger.error({ err }, 'the configuration could not be reloaded');
  return watchConfig(path, () => reload(live, logger, refresh), {
    since: digests,
    files: () => live.source.secretFiles,
    onError,
  });
}

async function reload(live: LiveConfig, logger: GatewayLogger, refresh: () => Promise<void>): Promise<void> {
  await refresh().catch((err) => {
    // What is wrong with the file, loading it says.
    if (!(err instanceof ConfigError)) logger.error({ err }, 'secrets that plug-ins keep could not be read');
  });
  const before = live.current;
  const result = live.reload();
  if (result.kind === 'kept') {
    logger.error({ problems: result.problems }, `the old configuration stays in force: ${result.message}`);
    return;
  }
  const restart = [...result.restart];
  if (before.metrics.path !== live.current.metrics.path) restart.push('metrics.path');
  if (before.log.format !== live.current.log.format) restart.push('log.format');
  for (const problem of result.warnings) logger.warn({}, `configuration: ${showProblem(problem, live.source.file)}`);
  const changed = result.changed.length === 0 ? 'nothing changed' : `changed: ${result.changed.join(', ')}`;
  logger.info({ changed: result.changed, restart }, `the configuration was reloaded; ${changed}`);
  if (restart.length > 0) logger.warn({ restart }, `a restart is needed for ${restart.join(', ')}`);
}
