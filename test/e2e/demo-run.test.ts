import { statSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";

import { eventsIn, groupLives, startCli, tempDirs } from "./cli-process.ts";
import type { CliRun } from "./run-cli.ts";
import { factsOf, PYTHON_TREE, TYPESCRIPT_TREE, writeTree, type TreeFacts } from "./sample-trees.ts";
import { filesHolding, fingerprint, registryIn, textOf, transcriptsIn } from "./state-dir.ts";

type DemoRun = CliRun & { pid: number; facts: TreeFacts; stateDir: string; workspace: string; touched: boolean };

let typescript: DemoRun;
let python: DemoRun;
let quiet: DemoRun;
let json: DemoRun;

beforeAll(async () => {
  typescript = await demoOn(TYPESCRIPT_TREE);
  python = await demoOn(PYTHON_TREE);
  quiet = await demoOn(TYPESCRIPT_TREE, "--quiet");
  json = await demoOn(TYPESCRIPT_TREE, "--json");
}, 240_000);

describe("the answer of the demo", () => {
  it("holds facts that are true of the tree, and other ones for another tree", () => {
    for (const run of [typescript, python]) {
      expect(run).toMatchObject({ code: 0, signal: null });
      expectTrue(run.stdout, run.facts);
    }
    expect(() => expectTrue(typescript.stdout, python.facts)).toThrow();
  });

  it("stands alone on standard output", () => {
    expect(typescript.stdout).toMatch(/^# Tell me what is in this workspace/);
    expect(typescript.stdout.trimEnd()).toMatch(/what stands under the headings is what the subagents reported\._$/);
    expect(typescript.stdout).not.toMatch(/\[\d+\.\ds\]|accepted|thread/);
    expect(typescript.stderr).not.toContain("## Folders");
  });

  it("is the same with --quiet, which leaves nothing else to be read", () => {
    expect(quiet).toMatchObject({ code: 0, stderr: "", stdout: typescript.stdout });
  });
});

describe("the show", () => {
  it("says that the model is scripted", () => {
    expect(typescript.stderr).toMatch(/demo\/scripted.*not an AI/);
  });

  it("tells each child's life, in threads that aren't the main agent's", () => {
    const thread = (name: string): number =>
      Number(new RegExp(`${name}: started in thread (\\d+)`).exec(typescript.stderr)?.[1]);
    for (const label of LABELS) {
      expect(typescript.stderr).toMatch(new RegExp(`${label}: accepted as run [0-9a-f]{8}`));
      expect(thread(label)).toBeGreaterThan(0);
      expect(thread(label)).not.toBe(thread("main agent"));
      expect(typescript.stderr).toMatch(new RegExp(`${label}: (list|find|search|read) `));
      expect(typescript.stderr).toMatch(new RegExp(`${label}: done, .*tokens, \\d+ tool calls`));
      expect(typescript.stderr).toMatch(new RegExp(`${label}: result delivered`));
    }
    expect(typescript.stderr.trimEnd()).toMatch(/3 subagents: 3 done .*$/);
  });
});

describe("--json", () => {
  it("writes a line of JSON for each event, and the answer with its children last", () => {
    const last: unknown = JSON.parse(json.stdout.trimEnd().split("\n").at(-1) ?? "");
    expect(json.code).toBe(0);
    expect(last).toMatchObject({ type: "answer", status: "ok", text: typescript.stdout.trimEnd() });
    const children = LABELS.map((label) => ({ label, status: "ok", delivery: "delivered" }));
    expect(last).toMatchObject({ children, model: "demo/scripted", usage: { turns: expect.any(Number) as number } });
    const events = eventsIn(json.stdout);
    const [main, ...others] = [...new Set(events.map((event) => event.runId))];
    expect([main, others.length]).toEqual(["main", 3]);
    for (const runId of others) {
      const types = events.filter((event) => event.runId === runId).map((event) => event.type);
      const story = ["accepted", "started", "model_request", "tool_start", "tool_end", "settled", "delivered"];
      expect([...new Set(types)].filter((type) => story.includes(type))).toEqual(story);
    }
  });
});

describe("what a run leaves behind", () => {
  it("is a transcript for the main agent and each child, in pi's session format", () => {
    for (const { stateDir, workspace } of [typescript, python]) {
      const transcripts = transcriptsIn(stateDir);
      expect(transcripts).toHaveLength(4);
      for (const { header, sessionId, entries } of transcripts) {
        expect(header).toMatchObject({ type: "session", version: 3, id: sessionId, cwd: workspace });
        expect(entries.map((entry) => entry.parentId)).toEqual([
          null,
          ...entries.map((entry) => entry.id).slice(0, -1),
        ]);
        for (const entry of entries)
          expect(entry).toMatchObject({ type: "message", id: expect.stringMatching(HEX) as string });
        expect(entries.at(-1)?.message).toMatchObject({ role: "assistant", stopReason: "stop" });
      }
      const opened = transcripts.map(({ messages }) => textOf(messages[0]));
      expect(opened.filter((text) => text.includes("[Subagent Task]"))).toHaveLength(3);
    }
  });

  it.skipIf(process.platform === "win32")("is for its owner's eyes alone", () => {
    const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    const paths = transcriptsIn(typescript.stateDir).map(({ path }) => path);
    for (const path of [...paths, `${typescript.stateDir}/registry.sqlite`]) expect(mode(path)).toBe("600");
    for (const dir of ["", "/transcripts", "/transcripts/main"]) expect(mode(typescript.stateDir + dir)).toBe("700");
  });

  it("is a row for each child, settled and delivered, which nobody looks after any more", async () => {
    const { runs, owners } = await registryIn(typescript.stateDir);
    expect(runs.map((run) => run.label)).toEqual(LABELS);
    for (const run of runs) {
      expect(run).toMatchObject({ state: "settled", outcome: { status: "ok" }, delivery: "delivered", depth: 1 });
      expect(run.usage.toolCalls).toBeGreaterThan(1);
    }
    expect(owners).toEqual([]);
  });

  it("is no process, and no change to the workspace", () => {
    for (const run of [typescript, python, quiet, json]) {
      expect(run.touched).toBe(false);
      if (process.platform !== "win32") expect(groupLives(run.pid)).toBe(false);
    }
  });

  it("is no secret of the environment", () => {
    for (const run of [typescript, json]) {
      for (const secret of Object.values(SECRETS)) {
        expect(filesHolding(run.stateDir, secret)).toEqual([]);
        expect(run.stdout + run.stderr).not.toContain(secret);
      }
      // What the search would find, had it been there.
      expect(filesHolding(run.stateDir, "Find out what the tests cover.").length).toBeGreaterThan(0);
    }
  });
});

async function demoOn(tree: Record<string, string>, ...flags: string[]): Promise<DemoRun> {
  const { home, root, workspace, stateDir } = tempDirs();
  writeTree(workspace, tree);
  const before = fingerprint(workspace);
  const args = ["run", "--demo", "--workspace", workspace, "--state-dir", stateDir, ...flags];
  const cli = startCli(args, { home, cwd: root, env: SECRETS });
  const run = await cli.done;
  const touched = JSON.stringify(fingerprint(workspace)) !== JSON.stringify(before);
  return { ...run, pid: cli.pid, facts: factsOf(workspace), stateDir, workspace, touched };
}

function expectTrue(answer: string, facts: TreeFacts): void {
  const folders = section(answer, "Folders");
  expect(folders).toContain(`${facts.folders.size} folders and ${facts.filesAtTop} file`);
  expect(folders).toContain(`${facts.files} files in all`);
  for (const [name, count] of facts.folders) expect(folders).toContain(`- ${name}/ (${count} file`);
  const told = [...section(answer, "Longest source files").matchAll(/^\d+\. (.+): (\d+) lines?$/gm)];
  const longest = told.map(([, path, lines]) => ({ path, lines: Number(lines) }));
  expect(longest).toEqual(facts.longest.slice(0, 5));
  const tests = section(answer, "Tests");
  expect(tests).toContain(`${facts.testFiles} test files with ${facts.tests} tests`);
  const titles = facts.titles.filter((title) => tests.includes(`"${title}"`));
  expect(titles.length).toBeGreaterThan(0);
}

function section(answer: string, title: string): string {
  const [, text = ""] = answer.split(`## ${title}\n`);
  return text.split("\n## ")[0] ?? "";
}

const SECRETS = { FAKE_API_KEY: "sk-test-0123456789abcdef", OPENAI_API_KEY: "sk-test-of-a-provider" };
const LABELS = ["folders", "longest-files", "tests"];
const HEX = /^[0-9a-f]{8}$/;
