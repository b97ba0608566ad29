import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

import { createSessionTools } from "../../src/tools/session-tools.ts";
import { MAIN, serveModel, startRuntime, type Fixture } from "../helpers/runtime-fixture.ts";

/** More than the 256 KiB that a run's row keeps. */
const LONG = "all of it. ".repeat(60_000).trim();
const KEPT_BYTES = 256 * 1024;

it("a long answer that could not be delivered is read whole by its run id, also after a restart", async () => {
  const { first, runId } = await answered("gone");
  await expect.poll(() => first.runtime.stats().outbox.undelivered).toBe(1);
  await first.close();
  const { runtime, requester, host } = await startRuntime({ stateDir: first.stateDir });

  const { completed } = await runtime.wait([runId], requester, { timeoutMs: 0 });
  expect(completed[0]!.text === LONG).toBe(true);
  expect(completed[0]).not.toHaveProperty("textBytesCut");
  expect(host.deliveries).toEqual([]);

  const task = await waitTool({ runtime, requester }, runId);
  expect(task).toMatchObject({ delivery: "undelivered", resultCharsCut: LONG.length - 48_000 });
  expect(task).not.toHaveProperty("resultBytesCut");
  expect((task["result"] as string) === LONG.slice(0, 48_000)).toBe(true);

  const shown = JSON.parse(await runs(first.stateDir, runId, "--json")) as { text: string; delivery: string };
  expect([shown.text === LONG, shown.delivery]).toEqual([true, "undelivered"]);
  const block = await runs(first.stateDir, runId);
  expect(block).toContain(`not delivered: the session ${MAIN} is gone`);
  expect(block.includes(LONG)).toBe(true);
}, 60_000);

it("a long answer that was delivered is read as far as it is kept, and how much isn't is said", async () => {
  const { first, runId } = await answered("delivered");
  await expect.poll(() => first.runtime.stats().outbox.pending).toBe(0);
  const { completed } = await first.runtime.wait([runId], first.requester, { timeoutMs: 0 });
  const cut = Buffer.byteLength(LONG) - KEPT_BYTES;
  expect(completed[0]).toMatchObject({ textBytesCut: cut });
  expect(completed[0]!.text === LONG.slice(0, KEPT_BYTES)).toBe(true);
  expect(completed[0]!.message).toMatch(new RegExp(`^cut: \\d+ characters and ${cut} bytes after them more`, "m"));
  const task = await waitTool(first, runId);
  expect(task).toMatchObject({ resultCharsCut: KEPT_BYTES - 4_000, resultBytesCut: cut });
  expect(task).not.toHaveProperty("delivery");
  expect(JSON.parse(await runs(first.stateDir, runId, "--json"))).toMatchObject({ textBytesCut: cut });
}, 60_000);

async function answered(answer: "gone" | "delivered"): Promise<{ first: Fixture; runId: string }> {
  const server = await serveModel(() => ({ text: LONG, chunkChars: 10_000 }));
  const first = await startRuntime({ model: server.model });
  first.host.onDeliver = async () => answer;
  const { runId } = await first.start("talk");
  await first.host.deliveredTimes(1);
  return { first, runId };
}

async function waitTool(
  { runtime, requester }: Pick<Fixture, "runtime" | "requester">,
  runId: string,
): Promise<Record<string, unknown>> {
  const tool = createSessionTools(runtime, requester).find(({ name }) => name === "subagents")!;
  const args = { action: "wait", taskIds: [runId], timeoutSeconds: 0 };
  const { details } = await tool.execute("call", args, new AbortController().signal);
  const { tasks } = details as { tasks: Record<string, unknown>[] };
  expect(tasks).toHaveLength(1);
  return tasks[0]!;
}

async function runs(stateDir: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [MAIN_FILE, "runs", "--state-dir", stateDir, ...args],
    {
      env: { ...process.env, NODE_NO_WARNINGS: "1" },
      maxBuffer: 4 * LONG.length,
    },
  );
  return stdout;
}

const MAIN_FILE = join(import.meta.dirname, "..", "..", "src", "adapters", "cli", "main.ts");
