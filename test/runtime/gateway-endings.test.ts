import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

import { stateLayout } from "../../src/adapters/state-layout.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { startFallback, startReferenceGateway, texts } from "../helpers/fallback-fixture.ts";
import { connectTo, openGateway } from "../helpers/gateway-fixture.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { leaveRun } from "../helpers/left-behind.ts";
import { closeAfterTest, gate, MAIN, tempFolder } from "../helpers/runtime-fixture.ts";
import { notOver, scriptGateway } from "../helpers/scripted-gateway.ts";
import { LIMITS, newRun } from "../registry/fixtures/rows.ts";
import { NO_SUCH_PID } from "../registry/support.ts";

const said = [
  { role: "user", content: "the task" },
  { role: "assistant", content: "the answer", stopReason: "stop" },
];

it("two endings of one run overlap, the first is refused: it ends as the second says", async () => {
  const gateway = await scriptGateway({
    agent: ({ params, ok, tell }) => {
      const runId = params["idempotencyKey"];
      ok({ runId, status: "accepted" });
      tell("agent", { runId, stream: "lifecycle", data: { phase: "start" } });
    },
    "sessions.abort": ({ count, ok, refuse }) => {
      const answer = (): void => (count === 1 ? refuse("UNAVAILABLE", "not now") : ok({ status: "aborted" }));
      if (count === 2) overlap.open();
      // The first is answered while the second waits.
      void overlap.opened.then(() => setTimeout(answer, count === 1 ? 50 : 300));
    },
  });
  const overlap = gate();
  const { runtime, start, requester, host } = await connectTo(gateway);
  await start({ task: "a", runTimeoutSeconds: 1 });
  expect(await runtime.kill("last", requester)).toMatchObject({ status: "error", code: "gateway_refused" });
  await host.completionsCame(1);
  expect(host.delivered).toMatchObject([{ outcome: { status: "timeout", cause: { code: "run_timeout" } } }]);
});

it("a child's time doesn't run while it waits in the gateway's lane, and does when it works", async () => {
  const { opened, open } = gate();
  const { gateway } = await openGateway(
    async ({ lastUserText }) =>
      lastUserText.endsWith("first")
        ? (await opened, "first")
        : lastUserText.endsWith("last")
          ? { silent: true }
          : "second",
    { limits: { maxConcurrent: 1 } },
  );
  const { start, host, runtime } = await connectTo(gateway);
  await start("first");
  await expect.poll(() => runtime.stats().runs.running).toBe(1);
  await start({ task: "second", runTimeoutSeconds: 2 });
  await start({ task: "last", runTimeoutSeconds: 2 });
  // Longer than its time: while it waits nothing else can be seen.
  await new Promise((resolve) => setTimeout(resolve, 2200));
  open();
  await host.completionsCame(3);
  expect(host.delivered.map(({ text, outcome }) => [text, outcome.status])).toEqual([
    ["first", "ok"],
    ["second", "ok"],
    ["", "timeout"],
  ]);
});

it("a redirection whose answer doesn't come is followed all the same when it took effect", async () => {
  const { opened: steered, open: steer } = gate();
  let again: unknown;
  const gateway = await scriptGateway({
    agent: ({ params, ok, tell }) => {
      const runId = params["idempotencyKey"];
      ok({ runId, status: "accepted" });
      tell("agent", { runId, stream: "lifecycle", data: { phase: "start" } });
    },
    "sessions.steer": ({ params }) => {
      again = params["idempotencyKey"];
      steer();
    },
    "agent.wait": (asked) => {
      const { runId, timeoutMs } = asked.params;
      if (again === undefined) return notOver(asked);
      if (runId === again) return void steered.then(() => asked.ok({ runId, status: "ok", endedAt: 2 }));
      if (timeoutMs === 0) asked.ok({ runId, status: "timeout", endedAt: 1 });
    },
    "chat.history": ({ ok }) =>
      ok({
        messages: [
          ...said.slice(0, 1),
          { role: "user", content: "[10:00] another way" },
          { role: "assistant", content: "done another way", stopReason: "stop" },
        ],
      }),
  });
  const { runtime, start, requester, host } = await connectTo(gateway, { timeouts: { call: 300 } });
  const { runId } = await start("go on");
  const answer = await runtime.steer("last", "another way", requester, { interrupt: true });
  expect(answer).toMatchObject({ status: "accepted", mode: "restart", runId: again });
  await host.completionsCame(1);
  expect(host.delivered).toMatchObject([{ runId: again, text: "done another way", outcome: { status: "ok" } }]);
  expect((await runtime.wait([runId], requester)).completed).toMatchObject([{ outcome: { status: "killed" } }]);
  expect(gateway.calls.filter(({ method }) => method === "sessions.steer")).toHaveLength(1);
});

describe("a run whose process died", () => {
  it("is followed by the next to its end", async () => {
    const { opened, open } = gate();
    const { gateway } = await startReferenceGateway(async () => (await opened, "after all"));
    const stateDir = join(tempFolder(), "state");
    const { runId } = await leaveRun(gateway, stateLayout(stateDir).registry);
    const { host, runtime } = await startFallback(gateway, undefined, stateDir);
    const { queued, running } = runtime.stats().runs;
    expect(queued + running).toBe(1);
    open();
    expect(await texts(host, 1)).toEqual(["after all"]);
    expect(host.delivered).toMatchObject([{ runId, outcome: { status: "ok" } }]);
  });

  it.each([
    ["done", "ok", "the answer"],
    ["failed", "error", ""],
    ["timeout", "interrupted", "the answer"],
  ])(
    "and that the gateway knows only by its session's entry (%s) settles as that says: %s",
    async (status, outcome, text) => {
      const gateway = await scriptGateway({
        "chat.history": ({ ok }) => ok({ messages: said }),
        "sessions.list": ({ ok }) => ok({ sessions: [{ key: sessionKey, status, startedAt: 1_000, endedAt: 2_000 }] }),
      });
      const folder = tempFolder();
      const dead = openRegistry({
        file: join(folder, "registry.sqlite"),
        owner: { pid: NO_SUCH_PID, startTime: "0" },
      });
      const first = await connectTo(gateway, { registry: dead });
      const { runId, childSessionKey: sessionKey } = await first.start("a");
      const host = new RecordingHost(folder);
      await connectTo(gateway, { folder, host });
      await host.completionsCame(1);
      expect(host.delivered).toMatchObject([{ runId, text, outcome: { status: outcome } }]);
    },
  );
});

describe("a child that isn't to be kept", () => {
  it.each([
    ["nobody waits for its result", { expectsCompletionMessage: false }],
    ["it is killed", {}],
  ])("is deleted in the gateway also when %s", async (why, params) => {
    const { gateway } = await openGateway(() => (why === "it is killed" ? { silent: true } : "done"));
    const { start, runtime, requester } = await connectTo(gateway);
    const { childSessionKey: key } = await start({ task: "a", cleanup: "delete", ...params });
    if (why === "it is killed") {
      await expect.poll(() => runtime.stats().runs.running).toBe(1);
      await runtime.kill("last", requester);
    }
    const deleted = async () => (await gateway.seen()).calls.filter(({ method }) => method === "sessions.delete");
    await expect.poll(deleted, { timeout: 10_000 }).toMatchObject([{ params: { key } }]);
  });

  it("and worked in a thread of a dead process has its transcript put away, and nothing is asked of the gateway", async () => {
    const { gateway } = await startReferenceGateway();
    const stateDir = join(tempFolder(), "state");
    const layout = stateLayout(stateDir);
    const dead = openRegistry({ file: layout.registry, owner: { pid: NO_SUCH_PID, startTime: "0" } });
    closeAfterTest(() => dead.close());
    dead.claimOwner();
    const transcriptPath = join(layout.transcripts, "main", "left.jsonl");
    mkdirSync(dirname(transcriptPath), { recursive: true });
    writeFileSync(transcriptPath, "");
    dead.admit(newRun({ requesterSessionKey: MAIN, transcriptPath, cleanup: "delete" }), LIMITS);
    const { host } = await startFallback(gateway, undefined, stateDir);
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ outcome: { status: "interrupted" } }]);
    await expect.poll(() => existsSync(transcriptPath)).toBe(false);
    expect(readdirSync(dirname(transcriptPath))).toEqual([expect.stringMatching(/^left\.jsonl\.deleted\./)]);
    expect((await gateway.seen()).calls).toEqual([]);
  });
});
