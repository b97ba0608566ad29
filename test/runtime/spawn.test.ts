import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { InprocessError } from "../../src/errors.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import type { SpawnParams } from "../../src/types.ts";
import { gate, MAIN, startRuntime, tempFolder, type Fixture } from "../helpers/runtime-fixture.ts";

const TWO_AGENTS = {
  agents: {
    list: [{ id: "main", subagents: { allowAgents: ["helper", "ghost"] } }, { id: "helper" }, { id: "other" }],
  },
};

describe("a spawn that is accepted", () => {
  it("is answered at once, with the run, the child's key, the model and what to do next", async () => {
    const { start, settled } = await startRuntime({ engine: "by-task" });
    const result = await start({ task: "echo hello", label: "Greeter" });
    expect(result).toEqual({
      status: "accepted",
      runId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      childSessionKey: expect.stringMatching(/^agent:main:subagent:[0-9a-f-]{36}$/) as string,
      mode: "run",
      context: "isolated",
      note: expect.stringMatching(/by itself.*don't poll.*NO_REPLY/s) as string,
      runtime: "inprocess",
      isolation: "thread",
      resolvedModel: "none",
      resolvedProvider: "fixture",
      modelApplied: false,
      expectsCompletionMessage: true,
    });
    expect(await settled(result.runId)).toMatchObject({ outcome: { status: "ok" }, label: "Greeter" });
  });

  it("tells the child that it is a subagent, how deep it is, and its task", async () => {
    const { start, settled } = await startRuntime({ engine: "by-task", limits: { maxSpawnDepth: 3 } });
    const { text } = await settled((await start("echo the whole task")).runId);
    expect(text).toMatch(/subagent at depth 1 of at most 3/);
    expect(text).toMatch(/\n\[Subagent Task\]\necho the whole task$/);
  });

  it("stands in the list with its part, its tools and the handle it was given, by which it is found", async () => {
    const { start, runtime, requester, settled } = await startRuntime({ engine: "by-task" });
    const run = await start({ task: "echo", taskName: "greet_all", toolsAllow: ["read", "sessions_spawn"] });
    expect(run.taskName).toBe("greet_all");
    const [view] = await runtime.list(requester);
    expect(view).toMatchObject({ taskName: "greet_all", mode: "run", context: "isolated" });
    expect(view).toMatchObject({ role: "orchestrator", controlScope: "children" });
    expect(view!.tools!.sort()).toEqual(["read", "sessions_spawn"]);
    await settled(run.runId);
    expect(await runtime.kill("greet_all", requester)).toMatchObject({ status: "done", runId: run.runId });
    expect(await runtime.kill("greet", requester)).toMatchObject({ status: "done", runId: run.runId });
  });

  it("gives what its engine answers in another form beside its text, also after a look at the row", async () => {
    const { start, settled, host } = await startRuntime({ engine: "by-task" });
    const value = { found: [1, { deep: null }] };
    const run = await start(`answers-in-form ${JSON.stringify(value)}`);
    const completion = await settled(run.runId);
    expect(completion).toMatchObject({ text: "as it came", structured: value });
    await host.completionsCame(1);
    expect(host.delivered[0]).toMatchObject({ structured: value, sessionId: completion.sessionId });
    expect(completion.sessionId).toMatch(/^[0-9a-f-]{36}$/);
    const failed = await settled((await start("answers-in-form")).runId);
    expect(failed).toMatchObject({ text: "as it came", schemaError: "the answer is no object" });
    expect(failed).not.toHaveProperty("structured");
  });

  it("works in the workspace's folder that cwd names", async () => {
    const { start, runtime, settled, workspaceDir } = await startRuntime({ engine: "by-task" });
    mkdirSync(join(workspaceDir, "..part", "inner"), { recursive: true });
    writeFileSync(join(workspaceDir, "..part", "inner", "here.txt"), "found");
    for (const cwd of ["..part/inner", join(workspaceDir, "..part", "inner"), "./..part/inner/."]) {
      const { text } = await settled((await start({ task: 'calls-tool read {"path":"here.txt"}', cwd })).runId);
      expect(text).toContain("found");
    }
    expect(runtime.stats().runs).toEqual({ queued: 0, running: 0, waiting: 0 });
  });

  it("with the same idempotency key is the same run, and its first answer is given again", async () => {
    const { runtime, requester, host } = await startRuntime({ engine: "by-task" });
    const ask = (key: string, by = requester) =>
      runtime.spawn({ task: "echo once", model: "fixture/none" }, by, { idempotencyKey: key });
    const answers = await Promise.all([
      ask("a"),
      ask("a"),
      ask("b"),
      ask("a", { ...requester, sessionKey: "agent:main:two" }),
    ]);
    const runs = answers.map((answer) => (answer.status === "accepted" ? answer.runId : answer));
    expect(new Set(runs).size).toBe(3);
    expect(runs[0]).toBe(runs[1]);
    await expect.poll(() => host.delivered.length, { timeout: 20_000 }).toBe(3);
    host.onResolve = async () => {
      throw new InprocessError("model_unusable", "The model is gone by now.");
    };
    expect(await ask("a")).toEqual(answers.find((answer) => answer.status === "accepted" && answer.runId === runs[0]));
    expect(host.delivered).toHaveLength(3);
  });
});

describe("a spawn that is refused", () => {
  it("says so in one sentence and leaves nothing behind", async () => {
    const fixture = await startRuntime({ engine: "by-task", config: TWO_AGENTS });
    writeFileSync(join(fixture.workspaceDir, "file.txt"), "");
    const outside = tempFolder();
    symlinkSync(outside, join(fixture.workspaceDir, "out"), "junction");
    for (const [how, params, refusal, sentence] of refusals(outside)) {
      const result = await fixture.runtime.spawn(params, fixture.requester);
      expect.soft(result, how).toMatchObject(refusal);
      expect.soft((result as { error: string }).error, how).toMatch(sentence);
      expect.soft((result as { error: string }).error, how).not.toContain("\n");
      await expectNothingLeft(fixture);
    }
  });

  it("for parameters of the wrong type is a result, never an exception, and leaves nothing behind", async () => {
    for (const wrong of WRONG_TYPES) {
      const fixture = await startRuntime({ engine: "by-task" });
      const params = { task: "echo", ...wrong } as SpawnParams;
      const result: unknown = await fixture.runtime.spawn(params, fixture.requester).catch(thrown);
      expect.soft(result, JSON.stringify(wrong)).toMatchObject({ status: "error", code: "params_invalid" });
      if ((result as { status?: string }).status !== "accepted") await expectNothingLeft(fixture);
      await fixture.close();
    }
  });

  it("for its depth names both numbers", async () => {
    const fixture = await startRuntime({ engine: "by-task", limits: { maxSpawnDepth: 3 } });
    const result = await fixture.runtime.spawn({ task: "x" }, { ...fixture.requester, depth: 3 });
    expect(result).toMatchObject({ status: "forbidden", code: "spawn_forbidden" });
    expect((result as { error: string }).error).toMatch(/depth 3 .* is 3/);
    await expectNothingLeft(fixture);
  });

  it("for its depth knows better than a child that says it is a main session", async () => {
    const fixture = await startRuntime({ engine: "by-task", limits: { maxSpawnDepth: 1 } });
    const child = await fixture.start("waits");
    const asChild = { sessionKey: child.childSessionKey, agentId: "main", depth: 0 };
    expect(await fixture.runtime.spawn({ task: "echo" }, asChild)).toMatchObject({ status: "forbidden" });
  });

  it("for too many children names both numbers, and none is refused once one has settled", async () => {
    const { start, runtime, requester } = await startRuntime({ engine: "by-task", limits: { maxChildrenPerAgent: 2 } });
    const [first] = [await start("waits"), await start("waits")];
    const third = await runtime.spawn({ task: "waits" }, requester);
    expect(third).toMatchObject({ status: "forbidden", code: "spawn_forbidden" });
    expect((third as { error: string }).error).toMatch(/has 2 active .* is 2/);
    await start("waits", { ...requester, sessionKey: "agent:main:somebody-else" });
    await runtime.kill(first.runId, requester);
    await start("waits");
  });

  it("because its model can't be used gives the host's own sentence", async () => {
    const fixture = await startRuntime({ engine: "by-task" });
    fixture.host.onResolve = async (ref) => {
      throw new InprocessError("model_unusable", `There is no model ${ref}; see models.providers.`);
    };
    const result = await fixture.runtime.spawn({ task: "x", model: "no/such" }, fixture.requester);
    expect(result).toMatchObject({
      status: "error",
      code: "model_unusable",
      error: "There is no model no/such; see models.providers.",
    });
    await expectNothingLeft(fixture);
  });

  it.each(["hostTools", "workspaceDir"] as const)(
    "because the host's %s throws leaves nothing behind",
    async (method) => {
      const fixture = await startRuntime({ engine: "by-task" });
      fixture.host[method] = () => {
        throw new Error("the gateway's own fault");
      };
      const result: unknown = await fixture.runtime
        .spawn({ task: "echo" }, { sessionKey: MAIN, agentId: "main" })
        .catch(thrown);
      expect(result).toMatchObject({ status: "error" });
      await expectNothingLeft(fixture);
    },
  );

  it("when no agentId is given though the config asks for one says so", async () => {
    const fixture = await startRuntime({ engine: "by-task", limits: { requireAgentId: true } });
    expect(await fixture.runtime.spawn({ task: "x" }, fixture.requester)).toMatchObject({
      status: "forbidden",
      error: expect.stringContaining("requireAgentId") as string,
    });
  });

  it("because the runtime was closed while its model was being resolved leaves nothing behind", async () => {
    const fixture = await startRuntime({ engine: "by-task" });
    const { opened, open } = gate();
    const { model } = fixture.host;
    fixture.host.onResolve = async () => (await opened, model);
    const spawning = fixture.runtime.spawn({ task: "echo" }, fixture.requester);
    await fixture.close();
    open();
    await expect(spawning).rejects.toMatchObject({ code: "runtime_closed" });
    expect(rowsIn(fixture)).toEqual([]);
  });
});

it("a child's tools are those its requester has, less what the spawn takes away", async () => {
  const { start, settled, requester, host } = await startRuntime({ engine: "by-task", limits: { maxSpawnDepth: 2 } });
  host.tools = ["lookup", "notes"].map((name) => ({
    name,
    description: name,
    parameters: { type: "object" },
    execute: async () => ({ content: [] }),
  }));
  const offered = async (params: Partial<SpawnParams>, by = requester) => {
    const { text } = await settled((await start({ task: "calls-tool none", ...params }, by)).runId);
    return (JSON.parse(text) as { offered: string[] }).offered.sort();
  };
  const everything = [
    "agents_wait",
    "edit",
    "find",
    "list",
    "lookup",
    "notes",
    "read",
    "search",
    "sessions_history",
    "sessions_list",
    "sessions_spawn",
    "sessions_yield",
    "subagents",
    "write",
  ];
  expect(await offered({})).toEqual(everything);
  expect(await offered({ toolsAllow: ["read", "lookup", "exec"] })).toEqual(["lookup", "read"]);
  expect(await offered({ toolsDeny: ["notes", "sessions_spawn", "write", "edit"] })).toEqual([
    "agents_wait",
    "find",
    "list",
    "lookup",
    "read",
    "search",
    "sessions_history",
    "sessions_list",
    "sessions_yield",
    "subagents",
  ]);
  expect(await offered({ toolsAllow: ["read", "write"] }, { ...requester, tools: ["read", "list"] })).toEqual(["read"]);
});

/** No run known, none queued or running, no transcript, no session that could spawn. */
async function expectNothingLeft(fixture: Fixture): Promise<void> {
  const { runtime, requester, stateDir } = fixture;
  expect(await runtime.list(requester)).toEqual([]);
  expect(runtime.stats().runs).toEqual({ queued: 0, running: 0, waiting: 0 });
  expect(rowsIn(fixture)).toEqual([]);
  const transcripts = join(stateDir, "transcripts");
  expect(existsSync(transcripts) ? readdirSync(transcripts) : []).toEqual([]);
}

function rowsIn({ stateDir }: Fixture): string[] {
  const registry = openRegistry({ file: join(stateDir, "registry.sqlite"), readOnly: true });
  const rows = registry.listRuns().map((run) => run.runId);
  void registry.close();
  return rows;
}

function thrown(error: unknown): { thrown: unknown } {
  return { thrown: error };
}

function refusals(outside: string): [how: string, SpawnParams, object, RegExp][] {
  return [
    ["without a task", { task: "" }, { status: "error", code: "params_invalid" }, /task/],
    ["with a task of nothing but blanks", { task: " \n\t" }, { status: "error", code: "params_invalid" }, /task/],
    ["with 10 MB of task", { task: "x".repeat(10_000_000) }, { status: "error", code: "payload_too_large" }, /256 KiB/],
    ["with a task just over the limit in bytes", { task: "é".repeat(131_073) }, { code: "payload_too_large" }, /KiB/],
    [
      "in mode session",
      { task: "x", mode: "session" },
      { status: "error", code: "params_invalid" },
      /`session`.*thread/,
    ],
    [
      "in a thread",
      { task: "x", thread: true },
      { status: "error", code: "capability_missing" },
      /thread.*channel.*`session`/,
    ],
    ["in a sandbox", { task: "x", sandbox: "require" }, { status: "forbidden", code: "spawn_forbidden" }, /`require`/],
    ["in a process of its own", { task: "x", isolation: "process" }, { code: "isolation_unavailable" }, /process/],
    ["with a timeout below 0", { task: "x", runTimeoutSeconds: -1 }, { code: "params_invalid" }, /runTimeoutSeconds/],
    ["with a timeout that is no number", { task: "x", runTimeoutSeconds: NaN }, { code: "params_invalid" }, /Timeout/],
    ["with a timeout no timer can hold", { task: "x", runTimeoutSeconds: 1e9 }, { code: "params_invalid" }, /2147483/],
    ["for an agent that isn't allowed", { task: "x", agentId: "other" }, { status: "forbidden" }, /other.*helper/],
    ["for an agent nobody knows", { task: "x", agentId: "nobody" }, { status: "forbidden" }, /nobody.*helper/],
    ["for one allowed but not configured", { task: "x", agentId: "ghost" }, { status: "forbidden" }, /ghost.*agents/],
    ["into a folder outside the workspace", { task: "x", cwd: ".." }, { code: "path_outside_workspace" }, /cwd \.\./],
    ["into an absolute folder", { task: "x", cwd: outside }, { code: "path_outside_workspace" }, /workspace/],
    ["into a folder that isn't there", { task: "x", cwd: "no/such" }, { code: "path_outside_workspace" }, /no\/such/],
    ["into a file", { task: "x", cwd: "file.txt" }, { code: "path_outside_workspace" }, /file\.txt/],
    ["through a link that leads out", { task: "x", cwd: "out" }, { code: "path_outside_workspace" }, /out/],
  ];
}

const WRONG_TYPES: object[] = [
  { label: { toString: "x" } },
  { agentId: 5 },
  { model: {} },
  { cwd: 7 },
  { thinking: "very" },
  { isolation: "vault" },
  { cleanup: "burn" },
  { toolsAllow: "read" },
  { toolsDeny: [5] },
  { expectsCompletionMessage: "no" },
];
