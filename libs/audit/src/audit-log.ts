import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { AuditConfig, AuditConfigRef } from '#libs/config';
import { GatewayError, messageOf } from '#libs/kernel';
import { type AuditEvent, AuditTrail, type GatewayLog } from '#libs/plugin';
import { AuditFile } from './audit-file.js';
import { AuditLines } from './audit-line.js';
import { auditPath, refusal } from './audit-problems.js';
import { FloodGate } from './flood-gate.js';

export interface AuditOptions {
  /** Where `audit.to: stdout` goes. */
  readonly stdout: { write(line: string): unknown };
  /** Relative paths start here: the configuration file's folder. */
  readonly folder: string;
}

/**
 * The audit trail: one JSON line per call and per refusal, to where the configuration says today. Calls are always
 * recorded; refusals within the bounds of the flood gate.
 */
export class AuditLog extends AuditTrail implements OnModuleInit, OnApplicationShutdown {
  readonly #gate = new FloodGate((source, omitted) => this.#omitted(source, omitted));
  readonly #lines = new AuditLines();
  #file: AuditFile | undefined;
  #lostBefore = 0;
  #leftOut = 0;
  #enabled = false;
  #switching: Promise<void> = Promise.resolve();
  #failed = false;

  constructor(
    private readonly config: AuditConfigRef,
    private readonly log: GatewayLog,
    private readonly options: AuditOptions,
  ) {
    super();
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  /** Lines that could not be written. */
  get lost(): number {
    return this.#lostBefore + (this.#file?.lost ?? 0);
  }

  /** Refusals that were only counted. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** @throws GatewayError CONFIG_INVALID when the file cannot be written */
  async onModuleInit(): Promise<void> {
    await this.#follow(this.config.current);
    this.config.onChange((next) => {
      this.#switching = this.#switching.then(() => this.#follow(next)).catch((thrown) => this.#stays(thrown));
    });
  }

  record(event: AuditEvent): void {
    if (!this.#enabled) return;
    try {
      if (event.event !== 'call' && !this.#gate.admits(sourceOf(event))) return;
      const { arguments: values, max_line: maxLine } = this.config.current;
      this.#write(this.#lines.of(event, { time: Date.now(), values, maxLine }));
    } catch (thrown) {
      if (!this.#failed) this.log.error({ err: thrown }, 'an audit line could not be made; this is said once');
      this.#failed = true;
      this.#lostBefore += 1;
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#switching;
    this.#gate.close();
    this.#enabled = false;
    await this.#file?.close();
  }

  #write(line: string): void {
    if (this.#file) this.#file.write(line);
    else this.options.stdout.write(line);
  }

  #omitted(source: string | undefined, omitted: number): void {
    this.#leftOut += omitted;
    this.#write(this.#lines.omission(source, omitted, Date.now()));
  }

  /** The new file is open before the old one is left; the same file stays open. */
  async #follow(config: AuditConfig): Promise<void> {
    const path = auditPath(config, this.options.folder);
    const old = this.#file;
    if (path === undefined || path !== old?.path) {
      const next = path === undefined ? undefined : await this.#open(path);
      this.#gate.close();
      this.#file = next;
    }
    this.#enabled = config.to !== 'off';
    if (old && old !== this.#file) {
      await old.close();
      this.#lostBefore += old.lost;
    }
  }

  async #open(path: string): Promise<AuditFile> {
    try {
      return await AuditFile.open(path, this.log);
    } catch (thrown) {
      throw new GatewayError('CONFIG_INVALID', `audit.to: ${refusal(path, messageOf(thrown))}`, { cause: thrown });
    }
  }

  #stays(thrown: unknown): void {
    this.log.error({ err: thrown }, `${messageOf(thrown)}; the audit goes where it went before`);
  }
}

/** Floods are told apart by who calls, or else by where from. */
function sourceOf({ principal, remoteAddress }: AuditEvent): string {
  return principal && !principal.anonymous ? principal.key : remoteAddress;
}
