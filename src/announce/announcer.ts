/**
 * The way back: takes settled runs' completions from the outbox to their requesters.
 *
 * At least once, told apart by key. All that waits for a requester goes in one delivery, so what settles while it is
 * busy arrives together. A failed try is repeated with a growing delay, whatever is heard of its requester meanwhile;
 * what still fails 30 minutes after this process first failed with it is kept as undelivered. Before any repeat the
 * requester's transcript is searched for the key, where the host can do that.
 */

import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Outbox, PendingRow } from "../registry/outbox.ts";
import type { Completion } from "../types.ts";

export type Delivery = "delivered" | "busy" | "gone";

export type AnnouncerOptions = {
  outbox: Outbox;
  logger: Logger;
  /** Milliseconds one delivery may take. */
  timeoutMs: number;
  deliver(requesterSessionKey: string, completions: Completion[]): Promise<Delivery>;
  /** Of these keys, those that stand in the requester's transcript already. */
  alreadyDelivered(requesterSessionKey: string, keys: string[]): Promise<string[]>;
  /** True while any delivery would come too early for this requester. */
  holdBack(requesterSessionKey: string): boolean;
  /** Of a requester's rows those that may go now; the others are looked at again at a nudge and after a while. @default all */
  ready?(requesterSessionKey: string, rows: PendingRow[]): PendingRow[];
  /** Whose child the requester is; completions go there when it is gone. */
  requesterOf(sessionKey: string): string | undefined;
  onDelivered(completion: Completion, attempts: number): void;
  onUndelivered(completion: Completion, reason: string): void;
};

export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #inFlight = new Map<string, Promise<void>>();
  readonly #again = new Set<string>();
  /** Those that are tried again in a while. */
  readonly #later = new Set<string>();
  /** Keys a process before this one may have delivered without saying so. */
  readonly #inherited: Set<string>;
  /** When a key's first try of this process failed, in milliseconds since the epoch: before, it may have waited long. */
  readonly #failedSince = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#inherited = new Set(options.outbox.due(Number.MAX_SAFE_INTEGER).map((row) => row.key));
    this.#tryDue();
  }

  /** Something settled for this requester, or it became idle: try now what hasn't failed, or is due again. */
  nudge(requesterSessionKey: string): void {
    if (this.#closed) return;
    if (this.#inFlight.has(requesterSessionKey)) {
      this.#again.add(requesterSessionKey);
      return;
    }
    const attempt = this.#attempt(requesterSessionKey)
      .catch((error: unknown) => this.#options.logger.error({ requesterSessionKey }, `announce: ${messageOf(error)}`))
      .finally(() => {
        this.#inFlight.delete(requesterSessionKey);
        if (this.#again.delete(requesterSessionKey)) this.nudge(requesterSessionKey);
        else this.#schedule();
      });
    this.#inFlight.set(requesterSessionKey, attempt);
  }

  /** A requester that was busy has been told of these all the same, by a way of its own; keys that are told of are passed over. */
  arrived(requesterSessionKey: string, keys: readonly string[]): void {
    if (keys.length === 0) return;
    const told = new Set(keys);
    try {
      this.#delivered(this.#options.outbox.pendingFor(requesterSessionKey).filter((row) => told.has(row.key)));
    } catch (error) {
      // Still owed as the file has it: told twice rather than lost.
      this.#options.logger.error({ requesterSessionKey }, `announce: ${messageOf(error)}`);
    }
  }

  /** Waits for deliveries under way; nothing new is begun. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await Promise.all(this.#inFlight.values());
  }

  async #attempt(requester: string): Promise<void> {
    // What settles in the same turn of the loop goes along.
    await new Promise((resolve) => setImmediate(resolve));
    const { outbox, holdBack } = this.#options;
    if (holdBack(requester)) return;
    const now = Date.now();
    const pending = outbox.pendingFor(requester);
    const ready = this.#options.ready?.(requester, pending) ?? pending;
    // What they wait for may be another process's, which nudges nobody here.
    if (ready.length < pending.length) this.#tryLater(requester);
    const due = ready.filter((row) => row.attempts === 0 || row.nextAttemptAt <= now);
    const rows = await this.#withoutDelivered(requester, due);
    if (rows.length === 0) return;
    let delivery: Delivery;
    try {
      delivery = await this.#withinTime(
        this.#options.deliver(
          requester,
          rows.map((row) => row.completion),
        ),
      );
    } catch (error) {
      return this.#failed(rows, messageOf(error));
    }
    if (delivery === "delivered") return this.#delivered(rows);
    if (delivery === "busy") return this.#tryLater(requester);
    if (delivery === "gone") return this.#gone(requester, rows);
    this.#failed(rows, `the host's deliver() answered ${String(delivery)}, not delivered, busy or gone`);
  }

  async #withoutDelivered(requester: string, rows: PendingRow[]): Promise<PendingRow[]> {
    const repeats = rows.filter((row) => row.attempts > 0 || this.#inherited.has(row.key)).map((row) => row.key);
    if (repeats.length === 0) return rows;
    const found = new Set(await this.#withinTime(this.#options.alreadyDelivered(requester, repeats)).catch(() => []));
    this.#delivered(rows.filter((row) => found.has(row.key)));
    return rows.filter((row) => !found.has(row.key));
  }

  #delivered(rows: PendingRow[]): void {
    this.#options.outbox.markDelivered(this.#forgotten(rows));
    for (const row of rows) this.#options.onDelivered(row.completion, row.attempts + 1);
  }

  #failed(rows: PendingRow[], error: string): void {
    const { outbox, logger } = this.#options;
    const now = Date.now();
    const isOver = ({ key }: PendingRow): boolean => now - (this.#failedSince.get(key) ?? now) > GIVE_UP_MS;
    const givenUp = rows.filter(isOver);
    const again = rows.filter((row) => !isOver(row));
    for (const row of again) {
      if (!this.#failedSince.has(row.key)) this.#failedSince.set(row.key, now);
      outbox.postpone([row.key], now + Math.min(BACKOFF_MS * 2 ** row.attempts, MAX_BACKOFF_MS), error);
    }
    const runIds = again.map((row) => row.runId);
    if (again.length > 0) logger.warn({ runIds }, `a completion could not be delivered, will try again: ${error}`);
    this.#giveUp(givenUp, error);
  }

  #gone(requester: string, rows: PendingRow[]): void {
    const { outbox, requesterOf } = this.#options;
    const reason = `the session ${requester} is gone`;
    const above = requesterOf(requester);
    if (above === undefined) return this.#giveUp(rows, reason);
    // A private result is nobody else's.
    const isPrivate = ({ completion }: PendingRow): boolean => completion.completionTarget === "parent";
    this.#giveUp(rows.filter(isPrivate), `${reason}, and the result was for it alone`);
    const others = rows.filter((row) => !isPrivate(row));
    if (others.length === 0) return;
    outbox.moveTo(this.#forgotten(others), above);
    this.nudge(above);
  }

  #giveUp(rows: PendingRow[], reason: string): void {
    this.#options.outbox.giveUp(this.#forgotten(rows), reason);
    for (const row of rows) this.#options.onUndelivered(row.completion, reason);
  }

  /** The keys of rows that have come to an end here: delivered, given up, or another requester's from now on. */
  #forgotten(rows: PendingRow[]): string[] {
    const keys = rows.map((row) => row.key);
    for (const key of keys) this.#failedSince.delete(key);
    return keys;
  }

  /** For who has to be asked again though nobody may nudge: a busy requester's host should, when it is idle. */
  #tryLater(requester: string): void {
    if (this.#later.has(requester)) return;
    this.#later.add(requester);
    const again = (): void => {
      this.#later.delete(requester);
      this.nudge(requester);
    };
    setTimeout(again, BUSY_RETRY_MS).unref();
  }

  #tryDue(): void {
    const now = Date.now();
    const due = this.#options.outbox.due(now);
    for (const requester of new Set(due.map((row) => row.requesterSessionKey))) this.nudge(requester);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    // What is due already is either held back or under way; only what was postponed needs the timer.
    const at = this.#options.outbox.nextDue(Date.now());
    if (at === undefined) return;
    this.#timer = setTimeout(() => this.#tryDue(), at - Date.now()).unref();
  }

  async #withinTime<T>(answer: Promise<T>): Promise<T> {
    const { timeoutMs } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the host took longer than ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

const BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 60_000;
const GIVE_UP_MS = 30 * 60_000;
const BUSY_RETRY_MS = 5_000;
