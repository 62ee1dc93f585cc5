import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { MetricsConfigRef } from '#libs/config';
import { isBearer, isLoopbackAddress } from '#libs/kernel';

/** Set by whatever stands between a caller and this process: then the socket does not say who asks. */
const RELAYED = /^(?:x-forwarded(?:-.*)?|forwarded|via|x-real-ip)$/;

/** Who may see more of the gateway's health than whether it is ready. */
@Injectable()
export class DetailGuard {
  constructor(private readonly metrics: MetricsConfigRef) {}

  /** Whoever has the token of the metrics; without one, whoever sits at this machine and asks it by a name of its own. */
  allows({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): boolean {
    const { token } = this.metrics.current;
    if (token !== null) return isBearer(headers.authorization, token.reveal());
    if (!isLoopbackAddress(socket.remoteAddress ?? '')) return false;
    // A page in this machine's browser may have pointed a name of its own at it.
    if (!namesThisMachine(headers.host ?? '') || headers.origin !== undefined) return false;
    return !Object.keys(headers).some((name) => RELAYED.test(name));
  }
}

/** A Host header, and no name but the one that no resolver but the machine's own is asked for. */
function namesThisMachine(authority: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(authority);
}
