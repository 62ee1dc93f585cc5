// Loaded into the gateway before it (`node --import`): on SIGUSR2 the date becomes the true one plus the milliseconds that the
// file CHAOS_DATE names. `performance.now()` and timers go on as they do when somebody sets the date of a machine.
import { readFileSync } from 'node:fs';

const TrueDate = Date;
const trueNow = Date.now;
let ahead = 0;

TrueDate.now = () => trueNow() + ahead;
globalThis.Date = new Proxy(TrueDate, {
  construct: (target, given, as) => Reflect.construct(target, given.length === 0 ? [target.now()] : given, as),
});
process.on('SIGUSR2', () => {
  ahead = Number(readFileSync(process.env.CHAOS_DATE, 'utf8'));
  process.stderr.write(`the date is ${ahead} ms ahead\n`);
});
