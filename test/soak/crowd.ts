import type { ChaosClient } from '../chaos/clients/client.js';
import { Official } from '../chaos/clients/official.js';
import { RawLegacy } from '../chaos/clients/raw-legacy.js';
import { RawModern } from '../chaos/clients/raw-modern.js';
import type { Book } from '../chaos/ledger/ledger.js';
import { callAndNote } from '../chaos/load.js';
import { Orders } from '../chaos/orders.js';
import type { Random } from '../chaos/random.js';
import { GENERATIONS } from '../support/clients.js';
import { CALLERS, SLOW, SLOW_MS, USUAL, WITH_QUESTIONS } from './plan.js';

/** Calls in the life of a client: then it goes and another one comes. */
const LIFE = [5, 150] as const;
/** Milliseconds between two looks at how many calls are due. */
const TICK = 5;

export interface CrowdPlan {
  /** Calls a second. */
  readonly rate: number;
  /** Part of the clients with a session that go without ending it. */
  readonly vanishing: number;
}

type Make = (name: string, headers: Record<string, string>) => ChaosClient;

/** Where clients sit, one after the other; each has one call under way at a time. */
class Seat {
  busy = false;
  readonly #make: Make;
  readonly #sort: string;
  readonly #orders: Orders;
  readonly #random: Random;
  readonly #vanishing: number;
  #client: ChaosClient | undefined;
  #left = 0;
  #count = 0;

  constructor(sort: string, make: Make, orders: Orders, random: Random, vanishing: number) {
    this.#sort = sort;
    this.#make = make;
    this.#orders = orders;
    this.#random = random;
    this.#vanishing = vanishing;
  }

  async call(book: Book): Promise<void> {
    this.busy = true;
    const client = this.#client ?? this.#enter();
    const order = this.#orders.next(client.name, this.#random);
    const ms = order.upstream === SLOW ? this.#random.pick(SLOW_MS) : order.ms;
    await callAndNote(client, { ...order, ms }, book);
    this.#left -= 1;
    if (this.#left <= 0) await this.leave();
    this.busy = false;
  }

  async leave(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client instanceof RawLegacy && this.#random.next() < this.#vanishing) client.vanish();
    else await client?.close();
  }

  #enter(): ChaosClient {
    this.#left = this.#random.between(...LIFE);
    const { headers } = this.#random.pick(CALLERS);
    this.#client = this.#make(`${this.#sort}-${++this.#count}`, headers);
    return this.#client;
  }
}

/** Clients of both eras that come and go, and together make so many calls a second. */
export class Crowd {
  readonly #seats: readonly Seat[];
  readonly #book: Book;
  readonly #rate: number;
  readonly #random: Random;
  readonly #open = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #due = 0;
  #last = 0;
  /** Calls that were due while every client had one under way. */
  missed = 0;

  constructor(url: string, plan: CrowdPlan, book: Book, random: Random) {
    this.#rate = plan.rate;
    this.#book = book;
    this.#random = random;
    this.#seats = seatsAt(url, plan.vanishing, random);
  }

  start(): void {
    this.#last = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK);
  }

  /** No new calls; resolves when every open one has come to its end and all clients have gone. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
    await Promise.all(this.#seats.map((seat) => seat.leave()));
  }

  #tick(): void {
    const now = performance.now();
    this.#due += ((now - this.#last) / 1_000) * this.#rate;
    this.#last = now;
    const idle = this.#random.shuffle(this.#seats.filter(({ busy }) => !busy));
    for (; this.#due >= 1; this.#due -= 1) {
      const seat = idle.pop();
      if (!seat) this.missed += 1;
      else this.#begin(seat);
    }
  }

  #begin(seat: Seat): void {
    const call = seat.call(this.#book).finally(() => this.#open.delete(call));
    this.#open.add(call);
  }
}

function seatsAt(url: string, vanishing: number, random: Random): Seat[] {
  const usual = new Orders(USUAL);
  const questions = new Orders(WITH_QUESTIONS);
  const seats = (count: number, sort: string, make: Make, orders: Orders) =>
    Array.from({ length: count }, (_, n) => new Seat(`${sort}${n + 1}`, make, orders, random.fork(), vanishing));
  const official = Object.keys(GENERATIONS).flatMap((generation) => {
    const sort = generation.replaceAll(' ', '-');
    const plain: Make = (name, headers) => new Official(name, url, generation, { headers });
    const asked: Make = (name, headers) => new Official(name, url, generation, { headers, answers: true });
    return [...seats(1, `${sort}-`, plain, usual), ...seats(1, `${sort}-asked-`, asked, questions)];
  });
  return [
    ...seats(32, 'legacy', (name, headers) => new RawLegacy(name, url, headers), usual),
    ...seats(32, 'modern', (name, headers) => new RawModern(name, url, headers), usual),
    ...official,
  ];
}
