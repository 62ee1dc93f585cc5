import type { Findings } from '../load/problems.js';
import type { GatewayConfig } from '../sections/gateway.config.js';

/** Settings that have a place in the grammar and no code behind them yet: accepted at their default only. */
export function checkLater({ server, store, tracing, admin }: GatewayConfig, findings: Findings): void {
  if (store.type === 'redis')
    findings.problem(['store', 'type'], 'the shared store (redis) is not available yet; only memory');
  if (store.url !== null && store.type === 'memory')
    findings.problem(['store', 'url'], 'means nothing for the memory store');
  if (server.replicas > 1) {
    findings.problem(
      ['server', 'replicas'],
      'more than 1 needs a shared store, which is not available yet; run one process',
    );
  }
  if (tracing.enabled) findings.problem(['tracing', 'enabled'], 'tracing is not available yet; leave it false');
  if (admin.enabled)
    findings.problem(['admin', 'enabled'], 'the administration interface is not available yet; leave it false');
  if (admin.keys.length > 0)
    findings.problem(['admin', 'keys'], 'the administration interface is not available yet; leave it empty');
}
