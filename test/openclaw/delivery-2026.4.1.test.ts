/** Announce turns that fail: the result is told again, by a turn that runs, until a model has taken it up. */

import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer } from "../helpers/model-server.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { profileWithPlugin } from "./helpers/plugin-profile.ts";
import { registeredRuns } from "./helpers/plugin-state.ts";
import { afterTool, asked, callTool, held, startScriptedModel, toldResult } from "./helpers/scripted-model.ts";

describe("a result whose announce turn fails", () => {
  let model: ModelServer;
  let gateway: Gateway;
  const child = held("LOCKED-RESULT");
  let refusals = 0;

  beforeAll(async () => {
    model = await startScriptedModel([
      [toldResult("LOCKED-TASK"), "It came through."],
      [
        toldResult("REFUSED-TASK"),
        () => {
          refusals += 1;
          return refusals <= 2 ? { status: 400, message: "this prompt isn't to my taste" } : "Now it is.";
        },
      ],
      [asked("LOCKED-TASK"), child.script],
      [asked("REFUSED-TASK"), "REFUSED-RESULT"],
      ...["LOCKED", "REFUSED"].flatMap((word): Parameters<typeof startScriptedModel>[0] => [
        [afterTool(`spawn ${word}`), "It is at work."],
        [asked(`spawn ${word}`), callTool("sessions_spawn", { task: `${word}-TASK`, label: word })],
      ]),
    ]);
    const profile = await profileWithPlugin(await installOpenClaw("2026.4.1"), {
      modelBaseUrl: model.baseUrl,
      narrow: true,
    });
    gateway = await startGateway(profile);
  });

  test("because its session's file is locked is told when the lock is gone, and isn't marked before", async () => {
    await gateway.turn(LOCKED, "spawn LOCKED");
    const { sessionId } = (await gateway.sessions())[LOCKED]!;
    const lock = join(gateway.stateDir, "agents", "main", "sessions", `${sessionId}.jsonl.lock`);
    await writeFile(lock, JSON.stringify({ pid: process.pid, createdAt: new Date().toISOString() }));
    child.release();
    const tries = () => gateway.log().match(FAILED_TRY)?.length ?? 0;
    await expect.poll(tries, { timeout: 120_000 }).toBeGreaterThan(1);
    expect((await runOf("LOCKED"))!.delivery).toBe("pending");
    expect(model.requests.some(toldResult("LOCKED-TASK"))).toBe(false);

    await rm(lock);

    await expect.poll(async () => (await runOf("LOCKED"))!.delivery, { timeout: 60_000 }).toBe("delivered");
    expect(JSON.stringify(await gateway.transcript(LOCKED))).toContain("It came through.");
    expect(model.requests.filter(toldResult("LOCKED-TASK"))).toHaveLength(1);
  });

  test("because its model answers with an error is told until the model has taken it up", async () => {
    await gateway.turn(REFUSED, "spawn REFUSED");
    await expect.poll(async () => (await runOf("REFUSED"))!.delivery, { timeout: 120_000 }).toBe("delivered");
    expect(JSON.stringify(await gateway.transcript(REFUSED))).toContain("Now it is.");
  });

  async function runOf(label: string) {
    return (await registeredRuns(gateway)).find((run) => run.label === label);
  }
});

const LOCKED = "agent:main:locked";
const REFUSED = "agent:main:refused";
const FAILED_TRY = /could not be delivered, will try again/g;
