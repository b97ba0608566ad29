import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const EXAMPLE = join(ROOT, "examples", "embed.mjs");

describe("examples/embed.mjs", () => {
  it("starts two subagents, prints what they bring home, and ends by itself", async () => {
    const { code, stdout, stderr } = await node(EXAMPLE);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^sizes \(ok\)\n(at least )?\d+ files seen, .*The longest:\n1\. \S+: \d+ lines$/m);
    expect(stdout).toMatch(/^tests \(ok\)\n(at least )?\d+ test files with (at least )?\d+ tests/m);
  });

  it("is under 40 lines", () => {
    expect(readFileSync(EXAMPLE, "utf8").trimEnd().split("\n").length).toBeLessThan(40);
  });

  it("stands word for word in the README", () => {
    const readme = existsSync(README) ? normal(README) : "";
    const [, between, rest] = readme.split(/^<!-- \/?example:embed -->$/m);
    expect(
      rest,
      "README.md needs a line <!-- example:embed --> and below it a line <!-- /example:embed -->.",
    ).toBeDefined();
    const block = /^\s*```(?:js|javascript|mjs)\n([^]*?)\n```\s*$/.exec(between!)?.[1];
    expect(
      block,
      "README.md needs the whole of examples/embed.mjs as a js code block, and nothing else, between its example:embed lines.",
    ).toBeDefined();
    expect(
      block,
      "The code block in README.md and examples/embed.mjs differ: copy the file into the README again.",
    ).toBe(normal(EXAMPLE).trimEnd());
  });
});

describe("an embedded runtime", () => {
  it("leaves nothing that would hold the process once it is closed", async () => {
    const { code, stdout, stderr } = await node("--input-type=module", "--eval", OPEN_AND_CLOSE);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const holding = JSON.parse(stdout) as string[];
    // The pipes of a child process are always there.
    expect(holding.filter((name) => !/Pipe|TTY|FSReq/.test(name))).toEqual([]);
  });
});

function node(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** A checkout on Windows may have other line ends. */
function normal(path: string): string {
  return readFileSync(path, "utf8").replaceAll("\r\n", "\n");
}

const README = join(ROOT, "README.md");

const OPEN_AND_CLOSE = `
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { createSubagentRuntime, modelsFromConfig, parseConfig } from "openclaw-inprocess";
const config = parseConfig({ agents: { defaults: { model: "demo/scripted" } } });
const host = { resolveModel: modelsFromConfig(config), workspaceDir: () => process.cwd(), deliver: async () => "delivered" };
const stateDir = mkdtempSync(tmpdir() + "/close-");
const runtime = await createSubagentRuntime({ config, host, stateDir });
await runtime.spawn({ task: "look" }, { sessionKey: "agent:main:main", agentId: "main" });
await runtime.close();
rmSync(stateDir, { recursive: true });
console.log(JSON.stringify(process.getActiveResourcesInfo()));
`;
