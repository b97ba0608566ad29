import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";

import { lookAtProcess } from "../../src/registry/process-identity.ts";
import { CLI, groupLives, startCli, tempDirs, type CliProcess } from "./cli-process.ts";
import { spawns, startAgents, type AgentServer } from "./scripted-agents.ts";
import { registryIn, textOf, transcriptsIn } from "./state-dir.ts";

const open: AgentServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

// Windows has no signals between processes: a Ctrl-C there comes from the console, and `kill` just ends the process.
describe.skipIf(process.platform === "win32")("a run that is interrupted", () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "by %s ends children and their processes, says so, and exits 130",
    async (signal) => {
      const { cli, pids, stateDir } = await busyRun();
      for (const pid of pids) expect(lookAtProcess(pid).alive).toBe(true);
      cli.signal(signal);
      const run = await cli.done;
      expect(run).toMatchObject({ code: 130, signal: null });
      const by = signal === "SIGINT" ? "Ctrl-C" : signal;
      expect(run.stderr).toMatch(
        new RegExp(`interrupted by ${by} while .*"talker".*"runner".*"thinker".* were at work`),
      );
      expect(run.stderr).not.toMatch(/^\s+at /m);
      await expectNothingLeft(cli.pid, pids, stateDir);

      const last: unknown = JSON.parse(run.stdout.trimEnd().split("\n").at(-1) ?? "");
      expect(last).toMatchObject({ type: "answer", status: "interrupted" });
      // What the model had said when it was cut off is on the disk, and reading it has shown that every line is whole.
      const transcripts = transcriptsIn(stateDir);
      expect(transcripts).toHaveLength(4);
      const talker = transcripts.find(({ messages }) => textOf(messages[0]).endsWith("talk"));
      expect(talker?.messages.at(-1)).toMatchObject({ role: "assistant", stopReason: "aborted" });
      expect(textOf(talker?.messages.at(-1))).toContain("and on");
    },
  );

  it("leaves at once at the second signal, though the first is still being handled", async () => {
    const { home, root, workspace, stateDir } = tempDirs();
    const engine = join(root, "deaf-engine.mjs");
    writeFileSync(engine, DEAF_ENGINE);
    const config = join(root, "openclaw.json");
    const grace = { abortMs: 600_000, terminateMs: 600_000 };
    writeFileSync(
      config,
      JSON.stringify({ agents: { defaults: { model: "demo/scripted" } }, subagents: { engine, grace } }),
    );
    const args = ["run", "--config", config, "--workspace", workspace, "--state-dir", stateDir, "wait"];
    const cli = startCli(args, { home, cwd: root });
    await there(join(workspace, "started"));
    cli.signal("SIGINT");
    // The engine was told to stop and doesn't: for 20 minutes nothing else would end this run.
    await there(join(workspace, "told"));
    expect(lookAtProcess(cli.pid).alive).toBe(true);
    cli.signal("SIGINT");
    expect(await cli.done).toMatchObject({ code: 130, signal: null });
    expect(groupLives(cli.pid)).toBe(false);
  });

  it("leaves no process of a tool behind at two signals in a row", async () => {
    const { cli, pids } = await busyRun();
    cli.signal("SIGINT");
    cli.signal("SIGINT");
    expect(await cli.done).toMatchObject({ code: 130, signal: null });
    for (const pid of pids) await expect.poll(() => lookAtProcess(pid).alive, LONG).toBe(false);
  });

  it("by a reader that closes standard output ends like one that is stopped, without a word of complaint", async () => {
    const { cli, pids, stateDir } = await busyRun();
    cli.closeStdout();
    const run = await cli.done;
    expect(run).toMatchObject({ code: 141, signal: null });
    expect(run.stderr).not.toMatch(/EPIPE|ECONNRESET|^\s+at /m);
    await expectNothingLeft(cli.pid, pids, stateDir);
  });

  it("by a reader that takes the first line of a pipe and leaves ends the same way", async () => {
    const { home, workspace, stateDir } = tempDirs();
    const command = `{ "$0" "$1" run --demo --json --state-dir "$2"; echo "code $?" >&2; } | head -n 1`;
    const args = ["-c", command, process.execPath, CLI, stateDir];
    const options = { cwd: workspace, env: { PATH: process.env.PATH, HOME: home } };
    const { stdout, stderr } = await promisify(execFile)("/bin/sh", args, options);
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(/^code 141$/m);
    expect(stderr).not.toMatch(/EPIPE|^\s+at /m);
    expect((await registryIn(stateDir)).owners).toEqual([]);
  });
});

/** One child streams without an end, one runs a command that has started another process, one waits for its model. */
async function busyRun(): Promise<{ cli: CliProcess; pids: number[]; stateDir: string }> {
  const { home, root, workspace, stateDir } = tempDirs();
  const server = await startAgents("openai-completions", {
    main: (_turn, afterTools) =>
      afterTools ? "I wait." : spawns(child("talk", "talker"), child("run", "runner"), child("think", "thinker")),
    child(task) {
      if (task === "talk") return { text: "and on ".repeat(100_000), chunkChars: 7, delayMs: 20 };
      if (task === "run")
        return { toolCalls: [{ name: "exec", args: { command: "sleep 600 & echo $$ $! > pids; wait" } }] };
      return { silent: true };
    },
  });
  open.push(server);
  const config = join(root, "openclaw.json");
  const model = { baseUrl: server.baseUrl, api: "openai-completions", apiKey: "k", models: [{ id: "m", name: "m" }] };
  writeFileSync(
    config,
    JSON.stringify({
      models: { providers: { house: model } },
      agents: { defaults: { model: "house/m" } },
      tools: { exec: { security: "full", ask: "off" } },
    }),
  );
  const args = ["run", "--config", config, "--workspace", workspace, "--state-dir", stateDir, "--json", "be busy"];
  const cli = startCli(args, { home, cwd: root });
  await cli.event((event) => event.type === "text" && event.text.includes("and on"));
  await expect.poll(() => server.childRequests("think").length, LONG).toBe(1);
  await there(join(workspace, "pids"));
  const pids = readFileSync(join(workspace, "pids"), "utf8").trim().split(" ").map(Number);
  expect(pids).toHaveLength(2);
  return { cli, pids, stateDir };
}

async function expectNothingLeft(pid: number, pids: number[], stateDir: string): Promise<void> {
  for (const each of pids) await expect.poll(() => lookAtProcess(each).alive, LONG).toBe(false);
  expect(groupLives(pid)).toBe(false);
  const { runs, owners } = await registryIn(stateDir);
  expect(runs).toHaveLength(3);
  for (const run of runs) {
    expect(run).toMatchObject({
      state: "settled",
      outcome: { status: "interrupted", cause: { code: "run_interrupted" } },
    });
  }
  expect(owners).toEqual([]);
}

function child(task: string, label: string): { task: string; label: string } {
  return { task, label };
}

/** Written whole, down to its line's end. */
async function there(file: string): Promise<void> {
  await expect.poll(() => existsSync(file) && readFileSync(file, "utf8").endsWith("\n"), LONG).toBe(true);
}

const LONG = { timeout: 30_000 };

/** Never ends, whatever it is told. */
const DEAF_ENGINE = `
import { writeFileSync } from "node:fs";
import { join } from "node:path";
export default {
  run(task, link, signal) {
    const note = (name) => writeFileSync(join(task.workspaceDir, name), "yes\\n");
    signal.addEventListener("abort", () => note("told"));
    note("started");
    return new Promise(() => setInterval(() => undefined, 1000));
  },
};
`;
