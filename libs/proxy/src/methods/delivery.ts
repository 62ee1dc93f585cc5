import type { View } from '#libs/catalogue';
import type { Exchange } from '#libs/kernel';

/** A URI the client asked for: the upstream's own, and how the client spelled it. */
export interface AskedUri {
  readonly uri: string;
  readonly spelled: string;
}

/** What else decides how an answer is told. */
export interface DeliverOptions {
  readonly asked?: AskedUri | undefined;
  /** The tool's output schema is shown to legacy clients wrapped into an object, so its results are too. */
  readonly wrapsOutput?: boolean | undefined;
}

/** Where an answer comes from and whom it goes to. */
export interface Delivery extends DeliverOptions {
  readonly exchange: Exchange;
  readonly view: View;
  readonly server: string;
  readonly method: string;
  /** Maps the upstream's URIs to this client's; absent where there is nothing to map. */
  readonly map: ((uri: string) => string) | undefined;
  /** Whether a URI of the upstream is that of a resource the caller may not know. */
  readonly hides: (uri: string) => boolean;
  /** The upstream speaks the modern era only, so what it says to a legacy client has to be put in legacy terms. */
  readonly modernOnly: boolean;
}
