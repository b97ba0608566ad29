import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";

import { eventsIn, startCli, tempDirs, type CliProcess } from "./cli-process.ts";
import { spawns, startAgents, userTexts, type AgentServer } from "./scripted-agents.ts";
import { registryIn, transcriptsIn } from "./state-dir.ts";

const open: AgentServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

describe("two runs on one state folder", () => {
  it("both answer, each with the results of its own children", async () => {
    const { start, release, stateDir } = await setUp();
    const tea = start("tea");
    await bothAtWork(tea);
    // The second one starts while the first one's runs are unsettled, and finds nothing there to recover.
    const ink = start("ink");
    await bothAtWork(ink);
    release("tea");
    release("ink");
    const runs = await Promise.all([tea.done, ink.done]);
    for (const [at, name] of ["tea", "ink"].entries()) {
      expect(runs[at]).toMatchObject({ code: 0 });
      expect(answerOf(runs[at]!.stdout)).toMatchObject({ text: `${name}-1 is ${name}, ${name}-2 is ${name}` });
      expect(eventsIn(runs[at]!.stdout).filter((event) => event.type === "accepted")).toHaveLength(2);
    }
    const { runs: rows, owners } = await registryIn(stateDir);
    expect(rows).toHaveLength(4);
    for (const row of rows) {
      expect(row).toMatchObject({ state: "settled", outcome: { status: "ok" }, delivery: "delivered" });
    }
    expect(new Set(rows.map((row) => row.requesterSessionKey)).size).toBe(2);
    expect(new Set(rows.map((row) => row.ownerId)).size).toBe(2);
    expect(owners).toEqual([]);
    expect(transcriptsIn(stateDir)).toHaveLength(6);
  });

  it("one of them killed, the other goes on untouched; the next start settles the dead one's runs, once", async () => {
    const { start, release, stateDir, demo } = await setUp();
    const [dead, survivor] = [start("tea"), start("ink")];
    await Promise.all([bothAtWork(dead), bothAtWork(survivor)]);
    dead.signal("SIGKILL");
    await dead.done;

    expect((await rowsOf(stateDir))("ink")).toMatchObject([{ state: "running" }, { state: "running" }]);
    release("ink");
    const survived = await survivor.done;
    expect(survived.code).toBe(0);
    expect(answerOf(survived.stdout)).toMatchObject({ text: "ink-1 is ink, ink-2 is ink" });
    const before = await rowsOf(stateDir);
    expect(before("ink")).toMatchObject([OK, OK]);

    const next = await demo();
    expect(next.code).toBe(0);
    expect(next.stdout).not.toContain("tea-");
    const settled = await rowsOf(stateDir);
    expect(settled("tea")).toMatchObject([INTERRUPTED, INTERRUPTED]);
    expect(settled("ink")).toEqual(before("ink"));

    expect((await demo()).code).toBe(0);
    const later = await rowsOf(stateDir);
    expect(later("tea")).toEqual(settled("tea"));
    expect((await registryIn(stateDir)).owners).toEqual([]);
  });
});

/** A server on which children answer when they are released, and ways to start runs on one state folder. */
async function setUp() {
  const { home, workspace, stateDir } = tempDirs();
  const held = new Map(["tea", "ink"].map((name) => [name, Promise.withResolvers<void>()]));
  const server = await startAgents("openai-completions", {
    main(turn, afterTools, request) {
      const [name = "", ...told] = userTexts(request);
      if (turn === 0) return afterTools ? "I wait." : spawns(job(`${name}-1`), job(`${name}-2`));
      return (
        told
          .join("\n")
          .match(/^\w+-\d is \w+$/gm)
          ?.sort()
          .join(", ") ?? "nothing yet"
      );
    },
    async child(task) {
      const name = task.split("-")[0]!;
      await held.get(name)?.promise;
      return `${task} is ${name}`;
    },
  });
  open.push(server);
  mkdirSync(join(workspace, "src"));
  writeFileSync(join(workspace, "src", "one.ts"), "export {};\n");
  const where = ["run", "--workspace", workspace, "--state-dir", stateDir];
  const cli = (...args: string[]): CliProcess => startCli([...where, ...args], { home, cwd: workspace });
  return {
    stateDir,
    start: (name: string) => cli("--json", "--base-url", server.baseUrl, "--model", "m", name),
    release: (name: string) => held.get(name)?.resolve(),
    demo: () => cli("--demo").done,
  };
}

/** Both children have asked their model, which lets them wait. */
async function bothAtWork(cli: CliProcess): Promise<void> {
  await cli.event(() => {
    const asking = eventsIn(cli.stdout).filter((event) => event.type === "model_request" && event.runId !== "main");
    return new Set(asking.map((event) => event.runId)).size === 2;
  });
}

async function rowsOf(stateDir: string) {
  const { runs } = await registryIn(stateDir);
  return (name: string) => runs.filter((run) => run.label?.startsWith(`${name}-`) === true);
}

function answerOf(stdout: string): unknown {
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}

function job(task: string): { task: string; label: string } {
  return { task, label: task };
}

const OK = { state: "settled", outcome: { status: "ok" }, delivery: "delivered" };
const INTERRUPTED = {
  state: "settled",
  outcome: { status: "interrupted", cause: { code: "run_interrupted" } },
  // Its requester is gone too: kept to be read, given to nobody else.
  delivery: "undelivered",
};
