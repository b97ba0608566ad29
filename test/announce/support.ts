/** An announcer of a registry of its own, what its host was asked, and what it said. */

import { afterEach, vi } from "vitest";

import { Announcer, type AnnouncerOptions } from "../../src/announce/announcer.ts";
import { createLogger } from "../../src/log.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import type { Completion } from "../../src/types.ts";
import { LIMITS, newRun, settlementOf } from "../registry/fixtures/rows.ts";

export const A = "agent:main:a";
export const B = "agent:main:b";

const open: { announcer: Announcer; registry: Registry }[] = [];

afterEach(async () => {
  vi.useRealTimers();
  for (const { announcer, registry } of open.splice(0)) {
    await announcer.close();
    await registry.close();
  }
});

/** For looks while time stands still: vitest lets the interval between two of them pass. */
export const STILL = { interval: 0 };

/** From now on time stands still, but for what a test lets pass; reads and writes go on. Real again after the test. */
export function stopTime(): (ms: number) => Promise<unknown> {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: Date.now() });
  return (ms) => vi.advanceTimersByTimeAsync(ms);
}

/** Closed after the test. */
export function announce(more: Partial<AnnouncerOptions> = {}, registry = openRegistry({ file: ":memory:" })) {
  registry.claimOwner();
  const calls: [requester: string, labels: (string | undefined)[]][] = [];
  const asked: string[][] = [];
  const delivered: (Completion & { attempts: number })[] = [];
  const undelivered: [label: string | undefined, reason: string][] = [];
  const warnings: string[] = [];
  const loggedOf: object[] = [];
  const errors: string[] = [];
  const announcer = new Announcer({
    outbox: registry.outbox,
    logger: {
      ...createLogger(),
      warn: (fields: object, message: string) => {
        warnings.push(message);
        loggedOf.push(fields);
      },
      error: (fields: object, message: string) => {
        errors.push(message);
        loggedOf.push(fields);
      },
    },
    timeoutMs: 5_000,
    holdBack: () => false,
    requesterOf: () => undefined,
    onDelivered: (completion, attempts) => void delivered.push({ ...completion, attempts }),
    onUndelivered: (completion, reason) => void undelivered.push([completion.label, reason]),
    ...more,
    deliver: async (requester, completions) => {
      calls.push([requester, completions.map((completion) => completion.label)]);
      return more.deliver === undefined ? "delivered" : more.deliver(requester, completions);
    },
    alreadyDelivered: async (requester, keys) => {
      asked.push(keys);
      return more.alreadyDelivered?.(requester, keys) ?? [];
    },
  });
  open.push({ announcer, registry });
  const settle = (requester: string, label: string, more: Partial<Completion> = {}): string =>
    settleIn(registry, requester, label, Date.now(), more);
  return { announcer, registry, settle, calls, asked, warnings, loggedOf, errors, delivered, undelivered };
}

/** A settled run whose completion is owed; its id. */
export function settleIn(
  registry: Registry,
  requesterSessionKey: string,
  label: string,
  at = Date.now(),
  more: Partial<Completion> = {},
): string {
  const run = newRun({ requesterSessionKey, label });
  registry.admit(run, LIMITS);
  const settlement = settlementOf(run, { at });
  registry.settle([{ ...settlement, completion: { ...settlement.completion!, label, ...more } }]);
  return run.runId;
}
