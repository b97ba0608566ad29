import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli, type CliRun } from "./run-cli.ts";

let dir: string;
let home: string;
let workspace: string;

beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), "cli-errors-")));
  home = join(dir, "home");
  workspace = join(dir, "workspace");
  mkdirSync(home);
  mkdirSync(workspace);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function cli(
  args: readonly string[],
  more: { env?: Record<string, string>; stdin?: string | Buffer } = {},
): Promise<CliRun> {
  return runCli(args, { home, cwd: workspace, ...more });
}

/** Refused: 2, nothing on standard output, sentences and no stack on standard error, nothing left behind. */
function expectRefused(run: CliRun, ...needles: (string | RegExp)[]): string[] {
  expect(run).toMatchObject({ code: 2, signal: null, stdout: "" });
  const lines = run.stderr.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^openclaw-inprocess: \S.*[.:?]\r?$/u);
  expect(run.stderr).not.toMatch(/^\s+at |Error:|node:internal|undefined/mu);
  for (const needle of needles) {
    if (typeof needle === "string") expect(run.stderr).toContain(needle);
    else expect(run.stderr).toMatch(needle);
  }
  expect(readdirSync(home)).toEqual([]);
  expect(readdirSync(workspace)).toEqual([]);
  return lines;
}

async function expectOneSentence(args: readonly string[], ...needles: (string | RegExp)[]): Promise<void> {
  expect(expectRefused(await cli(args), ...needles)).toHaveLength(1);
}

function configFile(text: string): string {
  const file = join(dir, "openclaw.json");
  writeFileSync(file, text);
  return file;
}

describe("wrong options", () => {
  it.each([
    [[], "openclaw-inprocess --help"],
    [["dance"], "dance"],
    [["run", "--modle", "x", "task"], /--modle.*--model/u],
    [["run", "--runtime", "cloud", "task"], /--runtime.*cloud.*auto, inprocess, gateway/u],
    [["run", "task", "--workspace"], "--workspace"],
    [["run", "--model", "", "task"], "--model"],
    [["run", "--model", "--json", "task"], "--model"],
    [["run", "--base-url", "http://127.0.0.1:1/v1", "task"], /--base-url.*--model/u],
    [["run", "--base-url", "not a url", "--model", "m", "task"], "not a url"],
    [["run", "--base-url", "ftp://127.0.0.1/v1", "--model", "m", "task"], "ftp://127.0.0.1/v1"],
    [["run", "--base-url", "http://me:pa55@127.0.0.1:1/v1", "--model", "m", "task"], /^(?!.*pa55).*--api-key-env/u],
    [["run", "--base-url", "http://127.0.0.1:1/v1", "--model", "m", "--api-key-env", "NOT_SET", "task"], "NOT_SET"],
    [["run", "--api-key-env", "PATH", "--model", "openai/gpt-4.1", "task"], "--base-url"],
    [["run", "--demo", "--model", "openai/gpt-4.1", "task"], "--demo"],
  ] as [string[], string | RegExp][])("%j are refused in one sentence", (args, needle) =>
    expectOneSentence(args, needle),
  );
});

describe("a wrong task", () => {
  it.each([
    ["no task", ["run"]],
    ["an empty one", ["run", ""]],
    ["white space", ["run", " \n\t "]],
  ])("is refused: %s", (_, args) => expectOneSentence(args, "task"));

  it("is refused when standard input is empty", async () => {
    expectRefused(await cli(["run", "-"]), "the task is empty");
  });

  it("of 10 MB is refused before anything is started", async () => {
    const run = await cli(["run", "--state-dir", join(dir, "state"), "-"], { stdin: Buffer.alloc(10_000_000, "x") });
    expect(expectRefused(run, "1 MiB")).toHaveLength(1);
    expect(readdirSync(dir).sort()).toEqual(["home", "workspace"]);
  });
});

describe("a wrong folder", () => {
  it("is refused by its path when the workspace isn't there", () =>
    expectOneSentence(["run", "--workspace", join(dir, "gone"), "task"], "--workspace", join(dir, "gone")));

  it("is refused by its path when the workspace is a file", async () => {
    writeFileSync(join(dir, "file"), "");
    await expectOneSentence(["run", "--workspace", join(dir, "file"), "task"], join(dir, "file"));
  });

  it("is refused by its path when the state folder can't be made", async () => {
    writeFileSync(join(dir, "file"), "");
    for (const path of [join(dir, "file"), join(dir, "file", "below")]) {
      const run = await cli(["run", "--quiet", "--demo", "--state-dir", path]);
      expect(expectRefused(run, path, "--state-dir")).toHaveLength(1);
    }
  });
});

describe("a wrong config", () => {
  it("is refused by its path when it isn't there, or is a folder", async () => {
    await expectOneSentence(["run", "--config", join(dir, "gone.json"), "task"], join(dir, "gone.json"));
    await expectOneSentence(["run", "--config", workspace, "task"], workspace);
  });

  it("is refused with the place when it is no JSON5", async () => {
    const file = configFile("{\n  agents: {\n    defaults: [,\n");
    await expectOneSentence(["run", "--config", file, "task"], file, /line \d|\d+:\d+/u);
  });

  it("has a line for each key at fault, with the nearest key for a typo", async () => {
    const file = configFile(
      '{ agents: { defaults: { model: "demo/scripted", subagents: { maxSpawnDepht: 2, maxChildrenPerAgent: 99 } } } }',
    );
    const lines = expectRefused(
      await cli(["run", "--config", file, "task"]),
      /agents\.defaults\.subagents.*maxSpawnDepht.*maxSpawnDepth/u,
      "agents.defaults.subagents.maxChildrenPerAgent",
    );
    expect(lines).toHaveLength(3);
  });

  it("is refused by its path when a variable of ours isn't set", async () => {
    const file = configFile('{ agents: { defaults: { model: "${NO_SUCH_MODEL}" } } }');
    await expectOneSentence(["run", "--config", file, "task"], "agents.defaults.model", "NO_SUCH_MODEL");
  });

  it("is refused when it names no model", async () => {
    const file = configFile("{}");
    await expectOneSentence(["run", "--config", file, "task"], "agents.defaults.model", file, "--model");
  });

  it.each([
    ["an address", '{ gateway: { mode: "remote" } }', "gateway.remote.url"],
    ["a secret", '{ gateway: { bind: "lan", auth: { token: "${NO_SUCH_TOKEN}" } } }', "gateway.auth.token"],
    ["a secret that is kept elsewhere", VAULT, "gateway.auth.password"],
    ["an address that isn't in the clear", PLAIN, "gateway.remote.url"],
  ])("that selects the gateway and lacks %s of it is refused by its path", async (_, text, path) => {
    const file = configFile(text);
    await expectOneSentence(["run", "--config", file, "--model", "demo/scripted", "task"], path);
  });

  it("is refused when a variable names no port of the gateway's", async () => {
    const run = await cli(["run", "--runtime", "gateway", "task"], { env: { OPENCLAW_GATEWAY_PORT: "http" } });
    expectRefused(run, /OPENCLAW_GATEWAY_PORT: .*http/u);
  });
});

describe("a wrong model", () => {
  it("is refused by its name when no provider has it", () =>
    expectOneSentence(["run", "--model", "nobody/nothing", "task"], "nobody/nothing"));

  it("is refused with the nearest names when its provider doesn't list it", () =>
    expectOneSentence(["run", "--model", "openai/gpt-9", "task"], /gpt-9.*gpt-5.*models\.providers\.openai\.models/u));

  it("is refused with the one there is when it is another one of the demo", () =>
    expectOneSentence(["run", "--model", "demo/other", "task"], "demo/other", "demo/scripted"));

  it("is refused with the variable to set when its key is missing", () =>
    expectOneSentence(["run", "--model", "openai/gpt-4.1", "task"], "openai/gpt-4.1", "OPENAI_API_KEY"));

  it("is refused with the path when a config's provider has no key", async () => {
    const file = configFile(
      '{ agents: { defaults: { model: "mine/m" } }, models: { providers: { mine: { baseUrl: "http://127.0.0.1:1/v1", api: "openai-completions", apiKey: "${NO_SUCH_KEY}", models: [{ id: "m", name: "m" }] } } } }',
    );
    await expectOneSentence(["run", "--config", file, "task"], "NO_SUCH_KEY");
  });
});

describe("an error", () => {
  it("leaves standard output empty with --json too", async () => {
    expectRefused(await cli(["run", "--json", "--workspace", join(dir, "gone"), "task"]), join(dir, "gone"));
  });

  it("shows its stack only to who asks for it", async () => {
    const run = await cli(["run", ""], { env: { OPENCLAW_INPROCESS_DEBUG: "1" } });
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toMatch(/^\s+at /mu);
  });

  it("prints no escape sequence that came in with an option", async () => {
    const run = await cli(["run", "--workspace", "\u001b]0;owned\u0007gone", "task"]);
    expectRefused(run, "gone");
    expect(run.stderr).not.toContain("\u001b");
  });
});

describe("a Node that is too old", () => {
  it("is told so in one sentence, with its version and what to do", async () => {
    const pretend = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } })`;
    const nodeArgs = ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`];
    const run = await runCli(["run", "--demo"], { home, cwd: workspace, nodeArgs });
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toMatch(
      /^openclaw-inprocess needs Node 22\.19 or newer; this is 20\.20\.2\. .*nodejs\.org.*\.\n$/u,
    );
  });
});

describe("help and version", () => {
  it("are no errors", async () => {
    const [help, runHelp, version] = await Promise.all([cli(["--help"]), cli(["run", "--help"]), cli(["--version"])]);
    for (const run of [help, runHelp, version]) expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toMatch(/run --demo[^]*localhost:11434[^]*anthropic\/[^]*--config/u);
    for (const option of [
      "--config",
      "--workspace",
      "--state-dir",
      "--model",
      "--base-url",
      "--api-key-env",
      "--runtime",
      "--json",
      "--quiet",
    ]) {
      expect(runHelp.stdout).toContain(option);
    }
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/u);
  });
});

const VAULT =
  '{ subagents: { runtime: "gateway" }, gateway: { auth: { password: { source: "exec", provider: "vault", id: "x" } } } }';
const PLAIN = '{ gateway: { mode: "remote", remote: { url: "ws://gateway.example:18789" } } }';
