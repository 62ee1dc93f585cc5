import type { Experiment } from '../experiment.js';
import { KILL_UPSTREAMS } from './kill-upstreams.js';
import { UPSTREAMS_BABBLE, UPSTREAMS_HANG, UPSTREAMS_RESET } from './misbehave.js';

/** In the order in which they run: in a bounded run the first ones are the most likely to fit. */
export const EXPERIMENTS: readonly Experiment[] = [KILL_UPSTREAMS, UPSTREAMS_BABBLE, UPSTREAMS_HANG, UPSTREAMS_RESET];
