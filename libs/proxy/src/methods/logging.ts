import { EMPTY_RESULT, GatewayError, within } from '#libs/kernel';
import { LOG_LEVELS, logLevelRank } from '#libs/mcp';
import { type Handler, requireOwnState } from './context.js';
import { requiredString } from './params.js';

/** How long upstreams may take over a new level, in milliseconds; the level counts at once. */
const PATIENCE = 500;

/** Keeps the level for this session and passes it to the upstreams of its view; one that fails does not matter. */
export const setLevel: Handler = async (desk, { exchange, message, view }) => {
  requireOwnState(exchange, 'Setting the log level');
  const level = requiredString(message.params, 'level', 'logging/setLevel');
  if (logLevelRank(level) < 0) {
    throw new GatewayError('INVALID_PARAMS', `Unknown log level; known: ${LOG_LEVELS.join(', ')}`);
  }
  if (exchange.session) desk.states.of(exchange.session.id).logLevel = level;
  const told = view.servers
    .map((server) => desk.upstreams.get(server))
    .filter((upstream) => upstream?.listing?.capabilities['logging'] != null)
    .map((upstream) => upstream?.setLevel(level, exchange));
  await within(PATIENCE, Promise.allSettled(told));
  return EMPTY_RESULT;
};
