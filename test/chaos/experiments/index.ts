import type { Experiment } from '../experiment.js';
import { CLIENTS_VANISH } from './clients-vanish.js';
import { CLOCK_JUMPS } from './clock-jumps.js';
import { CONNECT_AND_DROP } from './connect-and-drop.js';
import { FREEZE_UPSTREAMS } from './freeze-upstreams.js';
import { FULL_DISK } from './full-disk.js';
import { HALF_OPEN } from './half-open.js';
import { IDENTITY_PROVIDER } from './identity-provider.js';
import { KILL_UPSTREAMS } from './kill-upstreams.js';
import { UPSTREAMS_BABBLE, UPSTREAMS_HANG, UPSTREAMS_RESET } from './misbehave.js';
import { RELOAD } from './reload.js';
import { KILL_GATEWAY, STOP_GATEWAY } from './restart-gateway.js';
import { RETURN_LATE } from './return-late.js';
import { SLOW_READERS } from './slow-readers.js';
import { SLOW_SENDERS } from './slow-senders.js';

/** In the order in which they run: in a bounded run the first ones are the most likely to fit. */
export const EXPERIMENTS: readonly Experiment[] = [
  KILL_UPSTREAMS,
  FREEZE_UPSTREAMS,
  UPSTREAMS_BABBLE,
  IDENTITY_PROVIDER,
  UPSTREAMS_RESET,
  UPSTREAMS_HANG,
  HALF_OPEN,
  RELOAD,
  RETURN_LATE,
  STOP_GATEWAY,
  KILL_GATEWAY,
  FULL_DISK,
  CLIENTS_VANISH,
  CONNECT_AND_DROP,
  SLOW_SENDERS,
  SLOW_READERS,
  CLOCK_JUMPS,
];
