import type { View } from '#libs/catalogue';
import type { Exchange } from '#libs/kernel';
import { namedMember, type RequestMessage } from '#libs/mcp';
import type { UpstreamHandle } from '#libs/upstream';

/**
 * Right after a start it is not known yet what upstreams offer, while clients that kept their sessions go on as if nothing had
 * happened: who names something of an upstream that is still being connected waits for it once, as who names something
 * known does.
 */
export class Arrivals {
  #expected: readonly UpstreamHandle[] = [];
  readonly #waited = new WeakSet<Exchange>();

  expect(upstreams: readonly UpstreamHandle[]): void {
    this.#expected = upstreams;
  }

  /** Whether there is any upstream to wait for. */
  get pending(): boolean {
    if (this.#expected.length > 0) this.#expected = this.#expected.filter(({ arriving }) => arriving);
    return this.#expected.length > 0;
  }

  /** Waits, within the bounds of a call, for the upstream that a request is about. */
  async of(exchange: Exchange, message: RequestMessage, view: View): Promise<void> {
    const member = namedMember(message.method);
    const spelled = member && message.params?.get(member)?.string();
    if (spelled === undefined || this.#waited.has(exchange)) return;
    const server = view.absent(spelled);
    const upstream = server === undefined ? undefined : this.#expected.find(({ name }) => name === server);
    if (!upstream) return;
    this.#waited.add(exchange);
    await upstream.arrived(exchange);
  }
}
