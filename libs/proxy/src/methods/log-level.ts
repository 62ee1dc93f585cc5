import { JsonView, logLevelRank } from '#libs/mcp';

/** Whether a log message is severe enough for a client that set this level. */
export function passesLevel(params: Buffer, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  return logLevelRank(JsonView.of(params).get('level')?.string()) >= logLevelRank(wanted);
}
