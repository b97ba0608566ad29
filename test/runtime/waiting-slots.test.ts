/** A run that waits for others in the middle of its turn, by a tool: they get the slot that it doesn't need meanwhile. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import type { RecordedRequest, Reply } from "../helpers/model-server.ts";
import { collect, serveModel, startRuntime, tempFolder, type Accepted } from "../helpers/runtime-fixture.ts";

describe("more orchestrators than there are slots, each of which waits for its child by", () => {
  it.each(["agents_wait", "subagents"])(
    "%s, come to their end, never more at work than maxConcurrent",
    async (tool) => {
      let now = 0;
      let most = 0;
      const server = await serveModel(async (request) => {
        most = Math.max(most, ++now);
        await sleep(10);
        now -= 1;
        return orchestrate(request, tool);
      });
      const { start, runtime, requester, host } = await startRuntime({
        model: server.model,
        limits: { maxConcurrent: 2, maxSpawnDepth: 2, maxChildrenPerAgent: 8 },
        // A run that waits keeps its place in its thread, and those it waits for find one all the same.
        subagents: { pool: { runsPerThread: 1 } },
      });
      const runs = await Promise.all(Array.from({ length: 8 }, () => start("orchestrate")));
      const other = await start("leaf", { ...requester, sessionKey: "agent:main:other" });
      await host.completionsCame(9);
      const texts = new Map(host.delivered.map(({ runId, text }) => [runId, text]));
      expect(texts.get(other.runId)).toBe("found");
      for (const { runId } of runs) expect(texts.get(runId)).toBe("I have it.");
      expect(most).toBe(2);
      expect(runtime.stats().runs).toEqual({ queued: 0, running: 0, waiting: 0 });
    },
    60_000,
  );
});

describe("with one slot, a run that waits for two children in two calls at once", () => {
  it("gets both results, and the slot is free again afterwards", async () => {
    const fixture = await oneSlot();
    const run = await fixture.start("collects echo one|echo two");
    const { text } = await fixture.settled(run.runId);
    expect(text.match(/echo (one|two)/g)).toEqual(["echo one", "echo two"]);
    await oneAtATime(fixture);
  });

  it("leaves no slot behind and takes none along when it is killed, with its children", async () => {
    const fixture = await oneSlot();
    const run = await fixture.start("collects waits|waits");
    await working(fixture, 2);
    await fixture.runtime.kill(run.runId, fixture.requester);
    await oneAtATime(fixture);
  });

  it("nor when its time is up, whether it still waits or waits for a slot only", async () => {
    const fixture = await oneSlot();
    const file = join(tempFolder(), "go");
    const waiting = await fixture.start({ task: `collects finishes-when-told ${file}`, runTimeoutSeconds: 1 });
    expect((await fixture.settled(waiting.runId)).outcome.status).toBe("timeout");
    writeFileSync(file, "");
    await working(fixture, 0);
    const second = join(tempFolder(), "go");
    const returning = await fixture.start({ task: `collects finishes-when-told ${second}`, runTimeoutSeconds: 1 });
    await working(fixture, 2);
    // The slot that its child leaves is this one's, before it is the waiting run's again.
    const inTheWay = await fixture.start("waits", { ...fixture.requester, sessionKey: "agent:main:other" });
    writeFileSync(second, "");
    expect((await fixture.settled(returning.runId)).outcome.status).toBe("timeout");
    await fixture.runtime.kill(inTheWay.childSessionKey, { sessionKey: "agent:main:other", agentId: "main" });
    await oneAtATime(fixture);
  });

  it("nor when its thread is lost: it begins again, and ends well", async () => {
    const fixture = await oneSlot();
    const events = collect(fixture.runtime.events());
    const run = await fixture.start("collects exits|echo one");
    expect(await fixture.settled(run.runId)).toMatchObject({ outcome: { status: "ok" } });
    expect(events).toContainEqual(expect.objectContaining({ runId: run.runId, reason: "thread_lost" }));
    await oneAtATime(fixture);
  });

  it("holds no runtime up that is closed", async () => {
    const fixture = await oneSlot();
    await fixture.start("collects waits|waits");
    await working(fixture, 2);
    await fixture.close();
  });
});

type OneSlot = Awaited<ReturnType<typeof oneSlot>>;

function oneSlot() {
  return startRuntime({ engine: "by-task", limits: { maxConcurrent: 1, maxSpawnDepth: 2, maxChildrenPerAgent: 9 } });
}

async function working({ runtime }: OneSlot, runs: number): Promise<void> {
  await expect.poll(() => runtime.stats().runs.running).toBe(runs);
}

/** The lane has its one slot, and no more than that. */
async function oneAtATime({ runtime, start, settled, requester }: OneSlot): Promise<void> {
  const files = [0, 1].map((n) => join(tempFolder(), `${n}`));
  const runs: Accepted[] = [];
  for (const file of files) runs.push(await start(`finishes-when-told ${file}`));
  const states = async () =>
    (await runtime.list(requester))
      .filter(({ runId }) => runs.some((run) => run.runId === runId))
      .map((run) => run.state);
  await expect.poll(states).toEqual(["running", "queued"]);
  await sleep(50);
  expect(await states()).toEqual(["running", "queued"]);
  for (const file of files) writeFileSync(file, "");
  for (const { runId } of runs) await settled(runId);
}

/** A model that spawns one child, waits for it by a tool until it is there, and says so. */
function orchestrate({ messages, lastUserText }: RecordedRequest, tool: string): Reply {
  if (lastUserText.includes("[Subagent result]")) return "I have it.";
  if (!lastUserText.includes("orchestrate")) return "found";
  const results = messages.filter((message) => message["role"] === "tool").map((message) => textOf(message["content"]));
  const [spawned, ...waited] = results;
  if (spawned === undefined) {
    const collected = tool === "agents_wait" ? { collect: true } : {};
    return { toolCalls: [{ name: "sessions_spawn", args: { task: "leaf", ...collected } }] };
  }
  if (waited.some((text) => text.includes("found"))) return "I have it.";
  const { runId } = JSON.parse(spawned) as { runId: string };
  const ids = tool === "agents_wait" ? { ids: [runId] } : { action: "wait", taskIds: [runId] };
  return { toolCalls: [{ name: tool, args: { ...ids, timeoutSeconds: 30 } }] };
}

function textOf(content: unknown): string {
  return typeof content === "string" ? content : (content as { text: string }[]).map(({ text }) => text).join("");
}
