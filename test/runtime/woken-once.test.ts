/** An orchestrator and a child whose end is decided, and isn't written yet: other settlements are on their way to a slow disk. */

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";

import { createLogger } from "../../src/log.ts";
import { workerFile } from "../../src/package-root.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { createInProcessRuntime } from "../../src/runtime/in-process-runtime.ts";
import { createSessionTools } from "../../src/tools/session-tools.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import {
  accepted,
  closeAfterTest,
  fixtureConfig,
  gate,
  MAIN,
  serveModel,
  tempFolder,
} from "../helpers/runtime-fixture.ts";

it("an orchestrator is woken once, also when it is heard of while its last child's end waits for the disk", async () => {
  const slow = gate();
  const server = await serveModel(async ({ lastUserText, afterToolResult }) => {
    if (lastUserText.includes("[Subagent result]")) return "All together.";
    if (afterToolResult) return "I wait for them.";
    if (lastUserText.includes("orchestrate")) {
      return { toolCalls: ["quick", "slow"].map((task) => ({ name: "sessions_spawn", args: { task, label: task } })) };
    }
    if (lastUserText.includes("slow")) await slow.opened;
    return "found";
  });
  const { runtime, host, disk } = await withSlowDisk(server.model);
  const requester = { sessionKey: MAIN, agentId: "main" };
  const run = accepted(await runtime.spawn({ task: "orchestrate" }, requester));
  const states = async () => {
    const [above] = await runtime.list(requester);
    const below = await runtime.list({ sessionKey: run.childSessionKey, agentId: "main" });
    return [above!, ...below].map(({ state }) => state);
  };
  await expect.poll(states, { timeout: 15_000 }).toEqual(["waiting", "settled", "running"]);

  // Another session's run is on its way to the disk, and the slow child's end can only be written after that.
  const { writing, goOn } = disk.hold();
  accepted(await runtime.spawn({ task: "quick" }, { sessionKey: "agent:main:other", agentId: "main" }));
  await writing;
  slow.open();
  for (let i = 0; i < 50; i++) {
    runtime.deliverPending(run.childSessionKey);
    await sleep(10);
  }
  expect((await states())[0]).toBe("waiting");
  goOn();
  await host.completionsCame(2);
  const woken = server.requests.filter(({ lastUserText }) => lastUserText.includes("[Subagent result]"));
  expect(woken.map(({ lastUserText }) => lastUserText.match(/\[Subagent result\]/g)?.length)).toEqual([2]);
});

/** A runtime whose settlements can be held on their way to the disk. */
async function withSlowDisk(model: RecordingHost["model"]) {
  const registry = openRegistry({ file: join(tempFolder(), "registry.sqlite") });
  const dir = tempFolder();
  const host = new RecordingHost(dir);
  host.model = model;
  let onSync = async (): Promise<void> => undefined;
  const slowly = { ...registry, sync: () => onSync().then(() => registry.sync()) };
  const runtime = await createInProcessRuntime({
    config: fixtureConfig({ subagents: { engine: "pi" }, limits: { maxSpawnDepth: 2 } }),
    host,
    registry: slowly,
    logger: createLogger(),
    transcriptsDir: join(dir, "transcripts"),
    scratchDir: join(dir, "scratch"),
    workerFile: workerFile(),
    threadEnv: {},
    execEnv: {},
    sessionTools: createSessionTools,
  });
  closeAfterTest(() => runtime.close());
  const hold = () => {
    const { opened: writing, open: begins } = gate();
    const { opened, open: goOn } = gate();
    onSync = () => {
      begins();
      return opened.then(() => undefined);
    };
    closeAfterTest(async () => goOn());
    return { writing, goOn };
  };
  return { runtime, host, disk: { hold } };
}
