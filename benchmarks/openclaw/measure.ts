/** What is asked of each gateway; every answer by metric, in milliseconds unless said. */

import { setTimeout as delay } from "node:timers/promises";
import type { Samples } from "../lib/benchmark.ts";
import { median } from "../lib/statistics.ts";
import { ask, type BenchGateway } from "./gateway.ts";
import type { Seen } from "./model-process.ts";

export type Rounds = { floor: number; one: number; five: number; sixteen: number; streams: number };

export async function measure(gateway: BenchGateway, rounds: Rounds): Promise<Samples> {
  await warm(gateway);
  const samples: Samples = {};
  const floors = await floorOf(gateway, rounds.floor);
  samples["floor"] = floors.map(({ ms }) => ms);
  const floor = median(samples["floor"]);
  console.error(`  warm; floor ${Math.round(floor)} ms`);
  for (const [name, children, times] of [
    ["n1", 1, rounds.one],
    ["n5", 5, rounds.five],
    ["n16", 16, rounds.sixteen],
  ] as const) {
    const seen = await spawnRounds(gateway, name, children, times);
    console.error(`  ${name}: ${times} rounds`);
    samples[`${name}.accepted`] = seen.map(({ accepted }) => accepted - floor);
    samples[`${name}.firstRequest`] = seen.map(({ firstRequest }) => firstRequest);
    if (children !== 1) continue;
    const idle = median(floors.map(({ cpuMs }) => cpuMs));
    samples["n1.mainCpu"] = seen.map(({ cpuMs }) => cpuMs.main - idle);
  }
  const usual = median(samples["n1.firstRequest"]!);
  samples["sibling.delay"] = await siblingDelays(gateway, usual, rounds.streams);
  for (const children of [1, 5]) samples[`stall.${children}`] = await stalls(gateway, children, rounds.streams);
  return samples;
}

/** Cold code would be measured otherwise, and with the host's own runner its thread's first runs. */
async function warm(gateway: BenchGateway): Promise<void> {
  await floorOf(gateway, 3);
  for (const n of [1, 5, 5]) await spawnRounds(gateway, `warm${n}`, n, 1);
}

type Floor = { ms: number; cpuMs: number };

/** From the model's tool call to its next request, with a tool that does nothing. */
async function floorOf(gateway: BenchGateway, rounds: number): Promise<Floor[]> {
  const found: Floor[] = [];
  for (let n = 0; n < rounds; n += 1) {
    const id = nextId("floor");
    const before = gateway.cpu();
    await gateway.turn(`#floor=${id}`);
    const { called, next } = turnTimes(await gateway.seen(), id);
    await delay(QUIET_MS);
    found.push({ ms: next - called, cpuMs: (gateway.cpu().main - before.main) * 1000 });
  }
  return found;
}

type SpawnRound = { accepted: number; firstRequest: number; cpuMs: { main: number; all: number } };

/** The last of the children counts. */
async function spawnRounds(
  gateway: BenchGateway,
  name: string,
  children: number,
  rounds: number,
): Promise<SpawnRound[]> {
  const found: SpawnRound[] = [];
  for (let n = 0; n < rounds; n += 1) {
    const id = nextId(name);
    const before = gateway.cpu();
    await gateway.turn(`#spawn=${id} n=${children} bytes=192`);
    const seen = await allHandedOver(gateway, id, children);
    const { called, next } = turnTimes(seen, id);
    const arrivals = seen.filter(({ kind, ids }) => kind === "child" && ids[0]!.startsWith(`${id}.`));
    const last = Math.max(...arrivals.map(({ arrivedAt }) => arrivedAt));
    await delay(QUIET_MS);
    const after = gateway.cpu();
    const cpuMs = { main: (after.main - before.main) * 1000, all: (after.all - before.all) * 1000 };
    found.push({ accepted: next - called, firstRequest: last - called, cpuMs });
  }
  return found;
}

/** How much later than usual a child's first request comes while another child streams 200 KB. */
async function siblingDelays(gateway: BenchGateway, usual: number, rounds: number): Promise<number[]> {
  const found: number[] = [];
  for (let n = 0; n < rounds; n += 1) {
    const stream = nextId("beside");
    await gateway.turn(`#spawn=${stream} n=1 bytes=${STREAM_BYTES}`);
    const [{ firstRequest }] = (await spawnRounds(gateway, "sibling", 1, 1)) as [SpawnRound];
    found.push(firstRequest - usual);
    await allHandedOver(gateway, stream, 1);
    await delay(QUIET_MS);
  }
  return found;
}

/** The longest time an unrelated request waited while children streamed 200 KB each in pieces of 64 bytes. */
async function stalls(gateway: BenchGateway, children: number, rounds: number): Promise<number[]> {
  const found: number[] = [];
  for (let n = 0; n < rounds; n += 1) {
    const id = nextId(`stream${children}`);
    let longest = 0;
    let going = true;
    const pinging = (async () => {
      while (going) {
        const asked = performance.now();
        await ask({ port: gateway.profile.port, path: "/readyz" });
        longest = Math.max(longest, performance.now() - asked);
        await delay(PING_EVERY_MS);
      }
    })();
    // From before the turn: a gateway that stalls answers it only afterwards.
    await gateway.turn(`#spawn=${id} n=${children} bytes=${STREAM_BYTES}`);
    await allStreamed(gateway, id, children);
    going = false;
    await pinging;
    found.push(longest);
    await allHandedOver(gateway, id, children);
    await delay(QUIET_MS);
  }
  return found;
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

function allHandedOver(gateway: BenchGateway, id: string, children: number): Promise<Seen[]> {
  const handed = (seen: readonly Seen[]): number =>
    new Set(
      seen
        .filter(({ kind, finishedAt }) => kind === "handover" && finishedAt !== undefined)
        .flatMap(({ ids }) => ids.filter((each) => each.startsWith(`${id}.`))),
    ).size;
  return until(gateway, (seen) => handed(seen) >= children, `the results of ${id}`);
}

async function until(gateway: BenchGateway, isSo: (seen: Seen[]) => boolean, what: string): Promise<Seen[]> {
  for (const deadline = Date.now() + PATIENCE_MS; ;) {
    const seen = await gateway.seen();
    if (isSo(seen)) return seen;
    if (Date.now() > deadline)
      throw new Error(`${what} did not come within ${PATIENCE_MS} ms:\n${gateway.log().slice(-3000)}`);
    await delay(LOOK_EVERY_MS);
  }
}

let ids = 0;
function nextId(name: string): string {
  return `${name}-${(ids += 1)}`;
}

const STREAM_BYTES = 204_800;
const PING_EVERY_MS = 5;
const LOOK_EVERY_MS = 100;
/** A gateway does some of its work after an answer. */
const QUIET_MS = 400;
const PATIENCE_MS = 180_000;
