import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { Injectable } from '@nestjs/common';

/**
 * What every child gets besides its configured variables. Only the application reads the gateway's own environment, so it
 * provides this class with the real values; without that, children find the running Node and the system's programs.
 */
@Injectable()
export class ChildEnvironment {
  readonly PATH: string = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;
  readonly HOME: string = homedir();

  static of(values: { readonly PATH?: string; readonly HOME?: string }): ChildEnvironment {
    const defaults = new ChildEnvironment();
    return { PATH: values.PATH || defaults.PATH, HOME: values.HOME || defaults.HOME };
  }
}
