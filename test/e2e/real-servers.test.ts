import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";

import { eventsIn, startCli, tempDirs, type CliProcess } from "./cli-process.ts";
import { spawns, startAgents, userTexts, type Agents, type AgentServer } from "./scripted-agents.ts";
import { filesHolding, registryIn, transcriptsIn } from "./state-dir.ts";

const open: AgentServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

describe("run with --base-url, --model and --api-key-env", () => {
  it("runs children side by side and hands their results to the main agent's next turns", async () => {
    const bothAsked = barrier(2);
    const { cli, server, stateDir } = await runOn({
      files: { "left.txt": "the left one holds salt\n", "right.txt": "the right one holds pepper\n" },
      main(turn, afterTools, request) {
        if (turn === 0) return afterTools ? "I wait." : spawns(LEFT, RIGHT);
        return `So far: ${userTexts(request)
          .slice(1)
          .join(" ")
          .match(/holds \w+/g)
          ?.sort()
          .join(", ")}`;
      },
      async child(task, results) {
        // Neither gets its first answer before the other one has asked: one after the other would hang here.
        if (results.length === 0) await bothAsked();
        return results.length === 0
          ? { toolCalls: [{ name: "read", args: { path: `${task}.txt` } }] }
          : `${task}: ${results[0]}`;
      },
    });
    const run = await cli.done;
    expect(run).toMatchObject({ code: 0, stdout: "So far: holds pepper, holds salt\n" });
    const [first, afterTools] = server.mainRequests();
    expect(first?.body).toMatchObject({ model: "house-model", stream: true });
    expect(afterTools?.messages.filter((message) => message.role === "tool")).toHaveLength(2);
    expect(JSON.stringify(afterTools?.messages.at(-1))).toContain("accepted");
    expect(server.childRequests("left")).toHaveLength(2);
    expect(transcriptsIn(stateDir)).toHaveLength(3);
  });

  it("sends the key in the Authorization header and puts it nowhere else", async () => {
    const { cli, server, stateDir } = await runOn({ ...oneChild("fine"), flags: ["--json"], log: true });
    const run = await cli.done;
    expect(run.code).toBe(0);
    expect(server.requests.length).toBeGreaterThan(3);
    for (const request of server.requests) {
      const { authorization, ...others } = request.headers;
      expect(authorization).toBe(`Bearer ${KEY}`);
      expect(JSON.stringify([others, request.path, request.body])).not.toContain(KEY);
    }
    expect(run.stdout + run.stderr).not.toContain(KEY);
    expect(filesHolding(stateDir, KEY)).toEqual([]);
  });
});

describe("a server that repeats the key it refuses", () => {
  it("is told of without the key", async () => {
    const { cli, stateDir } = await runOn({
      main: oneChild("").main,
      child: () => ({ status: 401, message: `no such key: ${KEY}` }),
      log: true,
    });
    const run = await cli.done;
    expect(run).toMatchObject({ code: 0, stdout: "answered\n" });
    expect(run.stderr).toMatch(/the job: failed \(.*no such key: /);
    expect(run.stdout + run.stderr).not.toContain(KEY);
    expect(filesHolding(stateDir, KEY)).toEqual([]);
  });
});

describe("a child that fails", () => {
  it("is announced with its server's text, and the main agent's answer still counts", async () => {
    const { cli, server, stateDir } = await runOn({
      main: oneChild("").main,
      child: () => ({ status: 500, message: "the kiln is out of gas" }),
    });
    const run = await cli.done;
    expect(run).toMatchObject({ code: 0, stdout: "answered\n" });
    expect(run.stderr).toMatch(/the job: failed \(.*the kiln is out of gas/);
    const announced = userTexts(server.mainRequests().at(-1)!).at(-1);
    expect(announced).toMatch(/^status: error$/m);
    expect(announced).toMatch(/^reason: .*the kiln is out of gas.*\(model_error\)$/m);
    const { runs } = await registryIn(stateDir);
    expect(runs).toMatchObject([{ outcome: { status: "error" }, delivery: "delivered" }]);
  });
});

describe("a main agent that fails", () => {
  const failing: Agents = { main: () => ({ status: 500, message: "no model today" }), child: () => "" };

  it("ends the command with 1 and its server's text", async () => {
    const run = await (await runOn(failing)).cli.done;
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(/^openclaw-inprocess: the main agent failed: .*no model today.*\.$/m);
    expect(run.stderr).not.toMatch(/^\s+at /m);
  });

  it("is the last line with --json", async () => {
    const run = await (await runOn({ ...failing, flags: ["--json"] })).cli.done;
    expect(run.code).toBe(1);
    const last: unknown = JSON.parse(run.stdout.trimEnd().split("\n").at(-1) ?? "");
    expect(last).toMatchObject({ type: "answer", status: "error", text: "", children: [] });
    expect(last).toMatchObject({
      cause: { code: "model_error", message: expect.stringContaining("no model today") as string },
    });
  });

  it("ends children that are still at work, when it fails after it has spawned them", async () => {
    const { cli, stateDir } = await runOn({
      main: (_turn, afterTools) => (afterTools ? { status: 500, message: "lost for words" } : spawns(JOB)),
      child: () => ({ silent: true }),
    });
    expect(await cli.done).toMatchObject({ code: 1, stdout: "" });
    const { runs } = await registryIn(stateDir);
    expect(runs).toMatchObject([{ state: "settled", outcome: { status: "interrupted" } }]);
  });
});

describe("children that finish while the main agent is in a turn", () => {
  it("come together in its next one", async () => {
    const bothSettled = Promise.withResolvers<void>();
    const { cli, server } = await runOn({
      flags: ["--json"],
      async main(turn, afterTools) {
        if (turn === 0) return afterTools ? "waiting" : spawns(task("quick"), task("slow"), task("slower"));
        if (turn === 1) await bothSettled.promise;
        return `turn ${turn}`;
      },
      async child(name) {
        // Not before the quick one's result has started a turn of the main agent.
        if (name !== "quick") await expect.poll(() => server.mainRequests().length, LONG).toBe(3);
        return `${name} is done`;
      },
    });
    const settled = (name: string) =>
      cli.event((event) => event.type === "settled" && event.text === `${name} is done`);
    await Promise.all([settled("slow"), settled("slower")]);
    bothSettled.resolve();
    const run = await cli.done;
    expect(run.code).toBe(0);
    const texts = userTexts(server.mainRequests().at(-1)!);
    expect(texts).toHaveLength(3);
    expect(texts[1]).toMatch(/quick is done[^]*2 more subagents are still at work/);
    expect(texts[2]).toMatch(/slow is done/);
    expect(texts[2]).toMatch(/slower is done/);
    expect(server.mainRequests()).toHaveLength(4);
    expect(eventsIn(run.stdout).filter((event) => event.type === "delivered")).toHaveLength(3);
  });
});

describe("a server in trouble", () => {
  it("that answers 429 is asked again", async () => {
    let refusals = 0;
    const { cli } = await runOn({
      main: oneChild("").main,
      child: () => ((refusals += 1) > 1 ? "in the end" : { status: 429, headers: { "retry-after-ms": "10" } }),
    });
    const run = await cli.done;
    expect(run).toMatchObject({ code: 0, stdout: "answered\n" });
    expect(run.stderr).toMatch(/the job: asks custom\/house-model again: .*429/);
    expect(run.stderr).toMatch(/the job: done/);
  });

  it("that drops the connection in the midst of an answer fails the child, and what it had said is no result", async () => {
    const { cli, server } = await runOn({
      main: oneChild("").main,
      child: () => ({ text: "half of what I know about it", chunkChars: 4, dropAfterChunks: 3 }),
    });
    expect(await cli.done).toMatchObject({ code: 0, stdout: "answered\n" });
    const announced = userTexts(server.mainRequests().at(-1)!).at(-1);
    expect(announced).toMatch(/^status: error$[^]*^output: left out[^]*^<<<RESULT \w+\n\(no output\)$/m);
    expect(announced).not.toContain("half of");
  });
});

type Scene = Agents & { files?: Record<string, string>; flags?: string[]; log?: boolean };

/** The command against a server of its own, with a key from the environment. */
async function runOn(scene: Scene): Promise<{ cli: CliProcess; server: AgentServer; stateDir: string }> {
  const { home, workspace, stateDir } = tempDirs();
  for (const [name, text] of Object.entries(scene.files ?? {})) writeFileSync(join(workspace, name), text);
  const server = await startAgents("openai-completions", scene);
  open.push(server);
  const where = ["--workspace", workspace, "--state-dir", stateDir];
  const model = ["--base-url", server.baseUrl, "--model", "house-model", "--api-key-env", "HOUSE_KEY"];
  const env = { HOUSE_KEY: KEY, ...(scene.log === true ? { OPENCLAW_INPROCESS_LOG: "debug" } : {}) };
  const args = ["run", ...where, ...model, ...(scene.flags ?? []), "do it"];
  return { cli: startCli(args, { home, cwd: workspace, env }), server, stateDir };
}

function oneChild(text: string): Agents {
  return {
    main: (turn, afterTools) => (turn > 0 ? "answered" : afterTools ? "I wait." : spawns(JOB)),
    child: () => text,
  };
}

function task(name: string): { task: string; label: string } {
  return { task: name, label: name };
}

/** Lets nobody on before `count` have come. */
function barrier(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let waiting = 0;
  return () => {
    waiting += 1;
    if (waiting === count) resolve();
    return promise;
  };
}

/** Of no shape that gives a key away. */
const KEY = "house-0123456789abcdef";
const LEFT = task("left");
const RIGHT = task("right");
const JOB = task("the job");
const LONG = { timeout: 30_000 };
