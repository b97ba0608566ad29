/** What is asked of each gateway; every answer by metric, in milliseconds unless said. */

import { setTimeout as delay } from "node:timers/promises";
import type { Samples } from "../lib/benchmark.ts";
import { median, percentile } from "../lib/statistics.ts";
import { ask, type BenchGateway } from "./gateway.ts";
import type { Seen } from "./model-process.ts";

/** How often a gateway is asked each question. */
export type Rounds = { one: number; five: number; sixteen: number; quiet: number; streams: number };

export async function measure(gateway: BenchGateway, rounds: Rounds): Promise<Samples> {
  const samples: Samples = {};
  const add = (metric: string, ...values: number[]): void => void (samples[metric] ??= []).push(...values);
  if (rounds.streams > 0) add("stall.start", Math.max(...(await waitsAtStart(gateway))));
  await warm(gateway);
  for (const [name, children, times] of [
    ["n1", 1, rounds.one],
    ["n5", 5, rounds.five],
    ["n16", 16, rounds.sixteen],
  ] as const) {
    for (let n = 0; n < times; n += 1) {
      // Beside each round: a conversation and a list of sessions that grow make both slower.
      if (children === 1) await delay(FORGOTTEN_MS);
      const floor = await floorRound(gateway, 1);
      const many = children === 1 ? floor : await floorRound(gateway, children);
      if (children === 1) await delay(FORGOTTEN_MS);
      const round = await spawnRound(gateway, name, children);
      add("floor", floor.ms);
      add(`${name}.accepted`, round.accepted - floor.ms);
      add(`${name}.callsAlone`, many.ms - floor.ms);
      add(`${name}.firstRequest`, round.firstRequest);
      if (children > 1) continue;
      add("n1.mainCpu", round.cpuMs.main - floor.cpuMs.main);
      add("n1.allCpu", round.cpuMs.all - floor.cpuMs.all);
    }
  }
  for (let n = 0; n < rounds.quiet; n += 1) {
    await delay(FORGOTTEN_MS);
    const floor = await floorRound(gateway, 1);
    await delay(FORGOTTEN_MS);
    add("n1.mainCpuQuiet", (await quietRound(gateway)) - floor.cpuMs.main);
  }
  for (let n = 0; n < rounds.streams; n += 1) {
    const late = await siblingDelay(gateway);
    add("sibling.never", late === undefined ? 1 : 0);
    if (late !== undefined) add("sibling.delay", late);
  }
  for (const children of [0, 1, 5]) {
    for (let n = 0; n < rounds.streams; n += 1) {
      const waits = await waitsBeside(gateway, children);
      add(`stall.${children}`, Math.max(...waits));
      add(`wait50.${children}`, median(waits));
      add(`wait99.${children}`, percentile(waits, 0.99));
    }
  }
  return samples;
}

/** Cold code would be measured otherwise, and with the host's own runner its thread's first runs. */
async function warm(gateway: BenchGateway): Promise<void> {
  for (const children of [1, 5, 5]) {
    await floorRound(gateway, children);
    await spawnRound(gateway, `warm${children}`, children);
  }
}

type Floor = { ms: number; cpuMs: Cpu };

/** Milliseconds of processor time. */
type Cpu = { main: number; all: number };

function cpuSince(gateway: BenchGateway, before: Cpu): Cpu {
  const { main, all } = gateway.cpu();
  return { main: (main - before.main) * 1000, all: (all - before.all) * 1000 };
}

/** From the model's tool call to its next request, with calls that do nothing. */
async function floorRound(gateway: BenchGateway, calls: number): Promise<Floor> {
  const id = nextId("floor");
  const before = gateway.cpu();
  await gateway.turn(`#floor=${id} n=${calls}`);
  const { called, next } = turnTimes(await gateway.seen(), id);
  await delay(QUIET_MS);
  return { ms: next - called, cpuMs: cpuSince(gateway, before) };
}

type SpawnRound = { accepted: number; firstRequest: number; cpuMs: Cpu };

/** The last of the children counts. */
async function spawnRound(gateway: BenchGateway, name: string, children: number): Promise<SpawnRound> {
  const id = nextId(name);
  const before = gateway.cpu();
  await gateway.turn(`#spawn=${id} n=${children} bytes=192`);
  const seen = await allHandedOver(gateway, id, children);
  const { called, next } = turnTimes(seen, id);
  const arrivals = seen.filter(({ kind, ids }) => kind === "child" && ids[0]!.startsWith(`${id}.`));
  const last = Math.max(...arrivals.map(({ arrivedAt }) => arrivedAt));
  await delay(QUIET_MS);
  return { accepted: next - called, firstRequest: last - called, cpuMs: cpuSince(gateway, before) };
}

/** Milliseconds of the main thread for a turn with a child whose result nobody wants: no announce turn is in it. */
async function quietRound(gateway: BenchGateway): Promise<number> {
  const id = nextId("quiet");
  const before = gateway.cpu();
  await gateway.turn(`#spawn=${id} n=1 bytes=192 quiet=1`);
  await allStreamed(gateway, id, 1);
  await delay(QUIET_MS);
  return (gateway.cpu().main - before.main) * 1000;
}

/**
 * How much later a child's first request comes while another child streams 200 KB than while another one is silent.
 * @returns undefined when it never came: the core of 2026.4.1 may not start a child that is called while it stands still
 */
async function siblingDelay(gateway: BenchGateway): Promise<number | undefined> {
  const silent = await siblingOf(gateway, "silent", `bytes=${64 * SILENT_PIECES} pace=${STREAM_MS / SILENT_PIECES}`);
  const streaming = await siblingOf(gateway, "beside", `bytes=${STREAM_BYTES} pace=1`);
  if (silent === undefined) throw new Error("a child beside a silent one was never started");
  return streaming === undefined ? undefined : streaming - silent;
}

/** From the call to the first request of a child that is called while another, called in the turn before, answers. */
async function siblingOf(gateway: BenchGateway, name: string, answer: string): Promise<number | undefined> {
  const other = nextId(name);
  const id = nextId("sibling");
  await gateway.turn(`#spawn=${other} n=1 ${answer}`);
  await gateway.turn(`#spawn=${id} n=1 bytes=192`);
  await allHandedOver(gateway, other, 1);
  const begun = await allHandedOver(gateway, id, 1, NEVER_MS).catch(() => undefined);
  const seen = begun ?? (await gateway.seen());
  await delay(QUIET_MS);
  const { called } = turnTimes(seen, id);
  const requestOf = (child: string): Seen | undefined =>
    seen.find(({ kind, ids }) => kind === "child" && ids[0] === `${child}.0`);
  if (called > requestOf(other)!.finishedAt!) throw new Error(`${other} had answered before its sibling was called`);
  const first = requestOf(id)?.arrivedAt;
  return first === undefined ? undefined : first - called;
}

/** How long unrelated requests waited once the gateway took them, while it and the plugin get ready for more. */
async function waitsAtStart({ profile }: BenchGateway): Promise<number[]> {
  const waits: number[] = [];
  for (const end = performance.now() + START_MS; performance.now() < end; await delay(PING_EVERY_MS)) {
    const asked = performance.now();
    await ask({ port: profile.port, path: "/readyz" });
    waits.push(performance.now() - asked);
  }
  return waits;
}

/**
 * How long unrelated requests waited that came after children were called for that stream 200 KB each in pieces of 64
 * bytes, until all results were handed over, which the core of 2026.9.6 needs eight seconds for and the plugin one or
 * two; at least for five seconds, since a gateway that is done sooner has its work closer together. The first is sent
 * before the turn, since a gateway that stalls ends that late; what came before the call doesn't count, for it was held
 * up by the turn's own beginning, which is the gateway's.
 */
async function waitsBeside(gateway: BenchGateway, children: number): Promise<number[]> {
  const id = nextId(`stream${children}`);
  const waits: Wait[] = [];
  let going = true;
  const pinging = (async () => {
    while (going) {
      const asked = performance.now();
      await ask({ port: gateway.profile.port, path: "/readyz" });
      waits.push(...withUnsent({ from: performance.timeOrigin + asked, ms: performance.now() - asked }));
      await delay(PING_EVERY_MS);
    }
  })();
  // When what comes next fails, the gateway is closed under it, and nobody awaits it any more.
  pinging.catch(() => undefined);
  // Without children: what a turn holds the gateway up by itself.
  await gateway.turn(children === 0 ? `#floor=${id} n=1` : `#spawn=${id} n=${children} bytes=${STREAM_BYTES}`);
  const { called } = turnTimes(await gateway.seen(), id);
  await delay(Math.max(0, called + WATCHED_MS - performance.timeOrigin - performance.now()));
  const seen = await allHandedOver(gateway, id, children);
  going = false;
  await pinging;
  await delay(QUIET_MS);
  const end = Math.max(called + WATCHED_MS, handedOverAt(seen, id));
  return waits.filter(({ from }) => from > called && from < end).map(({ ms }) => ms);
}

/** `from`: milliseconds since the epoch. */
type Wait = { from: number; ms: number };

/** One request at a time is under way: those that would have been sent while it waited count with what was left of it. */
function withUnsent({ from, ms }: Wait): Wait[] {
  return Array.from({ length: 1 + Math.floor(ms / PING_EVERY_MS) }, (_, n) => ({
    from: from + n * PING_EVERY_MS,
    ms: ms - n * PING_EVERY_MS,
  }));
}

function turnTimes(seen: readonly Seen[], id: string): { called: number; next: number } {
  const main = seen.find(({ kind, ids }) => kind === "main" && ids.includes(id));
  const after = seen.find(({ kind, ids }) => kind === "after-tool" && ids.includes(id));
  if (main?.finishedAt === undefined || after === undefined) throw new Error(`no tool was called in the turn ${id}`);
  return { called: main.finishedAt, next: after.arrivedAt };
}

function allStreamed(gateway: BenchGateway, id: string, children: number): Promise<Seen[]> {
  const ended = ({ kind, ids, finishedAt }: Seen): boolean =>
    kind === "child" && ids[0]!.startsWith(`${id}.`) && finishedAt !== undefined;
  return until(gateway, (seen) => seen.filter(ended).length >= children, `the answers of ${id}`);
}

function allHandedOver(gateway: BenchGateway, id: string, children: number, patienceMs = PATIENCE_MS): Promise<Seen[]> {
  const handed = (seen: readonly Seen[]): number =>
    new Set(
      seen
        .filter(({ kind, finishedAt }) => kind === "handover" && finishedAt !== undefined)
        .flatMap(({ ids }) => ids.filter((each) => each.startsWith(`${id}.`))),
    ).size;
  return until(gateway, (seen) => handed(seen) >= children, `the results of ${id}`, patienceMs);
}

function handedOverAt(seen: readonly Seen[], id: string): number {
  const handovers = seen.filter(
    ({ kind, ids }) => kind === "handover" && ids.some((each) => each.startsWith(`${id}.`)),
  );
  return Math.max(0, ...handovers.map(({ finishedAt }) => finishedAt ?? 0));
}

async function until(
  gateway: BenchGateway,
  isSo: (seen: Seen[]) => boolean,
  what: string,
  patienceMs = PATIENCE_MS,
): Promise<Seen[]> {
  for (const deadline = Date.now() + patienceMs; ;) {
    const seen = await gateway.seen();
    if (isSo(seen)) return seen;
    if (Date.now() > deadline)
      throw new Error(`${what} did not come within ${patienceMs} ms:\n${gateway.log().slice(-3000)}`);
    await delay(LOOK_EVERY_MS);
  }
}

let ids = 0;
function nextId(name: string): string {
  return `${name}-${(ids += 1)}`;
}

const STREAM_BYTES = 204_800;
/** What 200 KB take at 64 bytes a millisecond: longer than the turn that calls the sibling. */
const STREAM_MS = 3200;
const SILENT_PIECES = 2;
/** Threads are made and warmed from the start on. */
const START_MS = 6000;
const PING_EVERY_MS = 5;
/** At least. */
const WATCHED_MS = 5000;
const LOOK_EVERY_MS = 100;
/** A gateway does some of its work after an answer. */
const QUIET_MS = 400;
/** For a second OpenClaw remembers its plugins' manifests; whether a turn has to read them again decides what it costs. */
const FORGOTTEN_MS = 1200;
/** The runner of 2026.4.1 takes a minute of its thread for five answers of 200 KB, and two when its machine is busy. */
const PATIENCE_MS = 300_000;
/** The answer beside which it was called is handed over by then. */
const NEVER_MS = 20_000;
