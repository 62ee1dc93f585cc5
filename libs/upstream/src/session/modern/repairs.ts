import { GatewayError, type Outcome } from '#libs/kernel';
import { Draft, JsonView, paramHeaderValues, scanParamHeaders } from '#libs/mcp';
import { saidIn } from '../failures.js';
import type { SessionRequest } from '../upstream-session.js';
import { mutualVersion, supportedOf } from './discovered.js';

/** Pages of tools/list that are searched for one tool. */
const MAX_PAGES = 64;

export interface RepairPort {
  readonly server: string;
  readonly version: string;
  /** One request, one response, of which nothing is mended. */
  leg(request: SessionRequest, paramHeaders?: Readonly<Record<string, string>>): Promise<Outcome>;
  /** From now on in this revision. */
  speak(version: string): void;
  toolsChanged(): void;
}

/**
 * Mends, once, what an upstream finds wrong with the gateway's own envelope: a revision it does not speak, headers that
 * follow an outdated definition of a tool (M:ver, M:http). Such errors are between the two of them and never relayed.
 */
export class Repairs {
  constructor(private readonly port: RepairPort) {}

  /**
   * What becomes of a request that was answered so.
   * @throws GatewayError UPSTREAM_PROTOCOL when it cannot be mended; whatever sending throws
   */
  async mend(request: SessionRequest, first: Outcome): Promise<Outcome> {
    if (first.kind !== 'error') return first;
    if (first.code === -32022) return await this.#otherVersion(request, first.error);
    if (first.code === -32020) return await this.#otherHeaders(request, first.error);
    return first;
  }

  async #otherVersion(request: SessionRequest, error: Buffer): Promise<Outcome> {
    const version = mutualVersion(supportedOf(error));
    if (version === undefined || version === this.port.version) throw this.#refused(request, error);
    this.port.speak(version);
    return this.#relayable(request, await this.port.leg(request));
  }

  async #otherHeaders(request: SessionRequest, error: Buffer): Promise<Outcome> {
    const { params } = request;
    const name = params?.string('name');
    if (request.method !== 'tools/call' || !params || name === undefined) throw this.#refused(request, error);
    this.port.toolsChanged();
    const schema = await this.#schemaOf(name, request);
    if (!schema) throw this.#refused(request, error);
    const headers = paramHeaderValues(JsonView.of(params.bytes).get('arguments'), scanParamHeaders(schema).headers);
    return this.#relayable(request, await this.port.leg(request, headers));
  }

  /** The tool's input schema as the upstream defines it now. */
  async #schemaOf(tool: string, { deadline, maxTotal, timeout }: SessionRequest): Promise<JsonView | undefined> {
    const method = 'tools/list';
    let params: Draft | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const outcome = await this.port.leg({
        method,
        params,
        subject: method,
        timeout,
        maxTotal,
        ...(deadline && { deadline }),
      });
      if (outcome.kind !== 'result') return undefined;
      const result = JsonView.of(outcome.result);
      const found = result
        .get('tools')
        ?.items()
        .find((item) => item.get('name')?.string() === tool);
      if (found) return found.get('inputSchema');
      const cursor = result.get('nextCursor');
      if (cursor?.type !== 'string') return undefined;
      params = Draft.of(Buffer.from(`{"cursor":${cursor.raw().toString()}}`));
    }
    return undefined;
  }

  #relayable(request: SessionRequest, outcome: Outcome): Outcome {
    if (outcome.kind === 'error' && (outcome.code === -32020 || outcome.code === -32022)) {
      throw this.#refused(request, outcome.error);
    }
    return outcome;
  }

  #refused(request: SessionRequest, error: Buffer): GatewayError {
    const { server } = this.port;
    const said = saidIn(error);
    const text = `${server} did not accept how the gateway sent ${request.subject}: ${said}`;
    return new GatewayError('UPSTREAM_PROTOCOL', text, { data: { server, subject: request.subject } });
  }
}
