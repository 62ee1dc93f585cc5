import type { Spelling } from '#libs/kernel';

/** Names kept, and the longest of them: names are the clients' own to choose. At this bound all are forgotten. */
const MAX_KNOWN = 256;
const MAX_NAME = 128;

/** How names are spelled for clients, which say their own name with every modern request. Found out once per configuration. */
export class Spellings {
  readonly #known = new Map<string, Spelling>();
  #configuration: object | undefined;

  constructor(private readonly find: (clientName: string) => Spelling) {}

  of(clientName: string, configuration: object): Spelling {
    if (configuration !== this.#configuration) {
      this.#known.clear();
      this.#configuration = configuration;
    }
    return this.#known.get(clientName) ?? this.#found(clientName);
  }

  #found(clientName: string): Spelling {
    const spelling = this.find(clientName);
    if (clientName.length > MAX_NAME) return spelling;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(clientName, spelling);
    return spelling;
  }
}
