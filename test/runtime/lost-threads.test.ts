import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { createLogger } from "../../src/log.ts";
import { workerFile } from "../../src/package-root.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import { createInProcessRuntime } from "../../src/runtime/in-process-runtime.ts";
import { createSessionTools } from "../../src/tools/session-tools.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import {
  accepted,
  closeAfterTest,
  collect,
  fixtureConfig,
  MAIN,
  startRuntime,
  tempFolder,
} from "../helpers/runtime-fixture.ts";

describe("a run that ends its thread", () => {
  it("is given a second try alone, then named as the one at fault, and its siblings finish", async () => {
    const { start, settled, runtime } = await startRuntime({ engine: "by-task", limits: { maxChildrenPerAgent: 10 } });
    const events = collect(runtime.events());
    const file = join(tempFolder(), "go");
    const siblings = [await start(`finishes-when-told ${file}`), await start(`finishes-when-told ${file}`)];
    await expect.poll(() => events.filter((event) => event.type === "tool_start").length).toBe(2);
    const culprit = await start("exits");
    expect(await settled(culprit.runId)).toMatchObject({
      outcome: { status: "error", cause: { code: "worker_lost" } },
    });
    writeFileSync(file, "");
    for (const sibling of siblings) {
      expect(await settled(sibling.runId)).toMatchObject({ outcome: { status: "ok" } });
      const ofSibling = events.filter((event) => event.runId === sibling.runId);
      expect(ofSibling).toContainEqual(expect.objectContaining({ type: "resumed", reason: "thread_lost" }));
    }
    const threadsOf = (runId: string) =>
      events.flatMap((event) => (event.type === "started" && event.runId === runId ? [event.threadId] : []));
    expect(threadsOf(culprit.runId)).toHaveLength(2);
    const second = [culprit, ...siblings].map((run) => threadsOf(run.runId)[1]);
    expect(new Set(second).size).toBe(3);
    expect(await settled((await start("echo after")).runId)).toMatchObject({ outcome: { status: "ok" } });
  });

  it("before its siblings had begun takes none of their tasks with it", async () => {
    const { start, settled, runtime } = await startRuntime({ engine: "by-task", limits: { maxChildrenPerAgent: 10 } });
    const events = collect(runtime.events());
    const file = join(tempFolder(), "go");
    const culprit = await start(`exits-when-told ${file}`);
    await expect.poll(() => events.some((event) => event.type === "started")).toBe(true);
    // Posted to a thread whose loop will never turn again.
    const siblings = [];
    for (const name of ["one", "two", "three"]) siblings.push(await start(`echo ${name}`));
    await expect.poll(() => runtime.stats().runs.running).toBe(4);
    writeFileSync(file, "");
    expect(await settled(culprit.runId)).toMatchObject({ outcome: { status: "error" } });
    for (const [n, name] of ["one", "two", "three"].entries()) {
      const { outcome, text } = await settled(siblings[n]!.runId);
      expect({ outcome, text }).toEqual({
        outcome: { status: "ok" },
        text: expect.stringMatching(new RegExp(`\\[Subagent Task\\]\necho ${name}$`)) as string,
      });
    }
  });
});

describe("an engine", () => {
  it.each([
    ["throws", "engine_failed", /the engine fell over/],
    ["malformed nothing", "wire_invalid", /./],
    ["malformed no-text", "wire_invalid", /./],
    ["malformed empty-usage", "wire_invalid", /./],
    ["malformed model-object", "wire_invalid", /./],
    ["malformed unknown-status", "wire_invalid", /./],
    ["malformed function", "engine_failed", /./],
  ])("that %s fails its run with %s, and no other", async (task, code, sentence) => {
    const { start, settled, runtime } = await startRuntime({ engine: "by-task" });
    const run = await start(task);
    const beside = await start("echo beside");
    const { outcome } = await settled(run.runId);
    expect(outcome).toMatchObject({ status: "error", cause: { code } });
    expect(outcome.cause!.message).toMatch(sentence);
    expect(await settled(beside.runId)).toMatchObject({ outcome: { status: "ok" } });
    expect(await settled((await start("echo after")).runId)).toMatchObject({ outcome: { status: "ok" } });
    expect(runtime.stats().runs).toEqual({ queued: 0, running: 0, waiting: 0 });
  });

  it("whose file isn't there is refused before anything is started", async () => {
    await expect(startRuntime({ engine: "no-such-engine" })).rejects.toMatchObject({
      code: "config_invalid",
      message: expect.stringMatching(/subagents\.engine: there is no file .*no-such-engine/) as string,
    });
  });

  it.each(["leaks-timer", "throws-late"])(
    "that %s has answered all the same, and harms no run after it",
    async (task) => {
      const { start, settled } = await startRuntime({ engine: "by-task" });
      const run = await start(task);
      expect(await settled(run.runId)).toMatchObject({ outcome: { status: "ok" } });
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await settled((await start("echo after")).runId)).toMatchObject({ outcome: { status: "ok" } });
    },
  );

  it("whose file has no engine in it is told so in one sentence", async () => {
    const engine = "no-engine";
    const { start, settled } = await startRuntime({ engine });
    const { outcome } = await settled((await start("anything")).runId);
    expect(outcome).toMatchObject({ status: "error", cause: { code: "engine_failed" } });
    expect(outcome.cause!.message).toContain(engine);
    expect(outcome.cause!.message).not.toContain("\n");
  });
});

it("a thread sees nothing of this process's environment but proxies and certificates", async () => {
  process.env["SECRET_OF_THE_GATEWAY"] = "hunter2";
  try {
    const { start, settled } = await startRuntime({ engine: "by-task" });
    const names = JSON.parse((await settled((await start("environment")).runId)).text) as string[];
    expect(names).not.toContain("SECRET_OF_THE_GATEWAY");
    expect(names).not.toContain("PATH");
    const expected =
      /^(NODE_USE_ENV_PROXY|HTTPS?_PROXY|NO_PROXY|NODE_EXTRA_CA_CERTS|SSL_CERT_\w+|NODE_COMPILE_CACHE\w*)$/i;
    expect(names.filter((name) => !expected.test(name))).toEqual([]);
  } finally {
    delete process.env["SECRET_OF_THE_GATEWAY"];
  }
});

it("an event flood is heard to its end, and this process's loop keeps turning meanwhile", async () => {
  const { start, settled, runtime } = await startRuntime({ engine: "by-task" });
  const events = collect(runtime.events({ text: true }));
  const run = await start("floods 20000");
  expect(await settled(run.runId)).toMatchObject({ outcome: { status: "ok" }, text: "20000 told" });
  await expect.poll(() => events.filter((event) => event.type === "tool_start").length).toBe(20_000);
  const text = events.map((event) => (event.type === "text" ? event.text : "")).join("");
  expect(text.length).toBeLessThanOrEqual(20_000);
});

it("a thread whose loop has stopped is found and ended, its siblings finish, and the one at fault is named", async () => {
  const { runtime, host, stop } = await watchfulRuntime({ lookMs: 150, stuckMs: 1_500 });
  const events = collect(runtime.events());
  const requester = { sessionKey: MAIN, agentId: "main" };
  const file = join(tempFolder(), "go");
  const start = async (task: string) => accepted(await runtime.spawn({ task }, requester)).runId;
  const sibling = await start(`finishes-when-told ${file}`);
  await expect.poll(() => events.some((event) => event.type === "tool_start")).toBe(true);
  const culprit = await start("spins");
  const { completed } = await runtime.wait([culprit], requester, { timeoutMs: 40_000 });
  expect(completed).toMatchObject([{ outcome: { status: "error", cause: { code: "worker_stuck" } } }]);
  writeFileSync(file, "");
  await host.completionsCame(2);
  expect(host.delivered.find((one) => one.runId === sibling)!.outcome).toEqual({ status: "ok" });
  await stop();
});

it("a runtime whose registry can't be written isn't made, and leaves no thread behind", async () => {
  const file = join(tempFolder(), "registry.sqlite");
  await openRegistry({ file }).close();
  const registry = openRegistry({ file, readOnly: true });
  closeAfterTest(() => registry.close());
  // What is left is found after the test.
  await expect(createInProcessRuntime(options(registry))).rejects.toMatchObject({ name: "InprocessError" });
});

/** A runtime that looks for stuck threads more often than a gateway's. */
async function watchfulRuntime(stuck: { lookMs: number; stuckMs: number }) {
  const { host, ...others } = options(openRegistry({ file: join(tempFolder(), "registry.sqlite") }));
  const runtime = await createInProcessRuntime({ ...others, host, stuck });
  closeAfterTest(() => runtime.close());
  return { runtime, host, stop: () => runtime.close() };
}

function options(registry: Registry) {
  const dir = tempFolder();
  return {
    config: fixtureConfig({ engine: "by-task" }),
    host: new RecordingHost(dir),
    registry,
    logger: createLogger(),
    transcriptsDir: join(dir, "transcripts"),
    scratchDir: join(dir, "scratch"),
    workerFile: workerFile(),
    threadEnv: {},
    execEnv: {},
    sessionTools: createSessionTools,
  };
}
