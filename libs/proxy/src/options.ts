/** What the composition root tells the proxy. */
export class ProxyOptions {
  constructor(
    /** The gateway's own version, shown to clients and upstreams. */
    readonly version: string,
    /** How long `initialize` may wait for upstreams right after the start, in milliseconds. */
    readonly warmUp = 2_000,
    /** How long it may wait, the first time, for upstreams that list by the client's capabilities, in milliseconds. */
    readonly prepare = 1_500,
  ) {}
}
