import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it, type TestContext } from "vitest";

import { providerCatalog } from "../../src/adapters/models/provider-catalog.ts";
import { tempDirs } from "../e2e/cli-process.ts";
import { runCli } from "../e2e/run-cli.ts";
import { startAgents, userTexts, type AgentServer } from "../e2e/scripted-agents.ts";
import { commandsIn, readDoc, ROOT } from "./markdown.ts";
import { startRefusingProxy } from "./refusing-proxy.ts";
import { openShell } from "./shell.ts";

/** How commands of one kind are run for real, or which test does it. */
type Way = { fits: RegExp; check(command: string, skip: Skip): Promise<void> | void };
type Skip = TestContext["skip"];

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

describe("a command in README.md", () => {
  it.for(commandsIn(readDoc("README.md")))("does what it is there for: %s", async (command, { skip }) => {
    const way = WAYS.find(({ fits }) => fits.test(command));
    if (way === undefined) expect.fail(`README has a command no test runs: ${command} (WAYS in this file says how).`);
    await way.check(command, skip);
  });
});

describe("the commands of a Markdown file", () => {
  it("are the lines of its shell blocks, and code in sentences that begins like a command", () => {
    const fence = "```";
    const text = [
      "Say `npm start`, then `npm start` again; `npm` and `node:sqlite` are no commands.",
      ...[`${fence}sh`, "# a comment", "npm ci && npm test", "", "one \\", "  --two && three", fence],
      ...[`${fence}js`, "no.command()", fence, `${fence}bash`, "four", fence, fence, "five", fence],
    ].join("\n");
    expect(commandsIn(text)).toEqual(["npm ci", "npm test", "one --two && three", "four", "npm start"]);
  });
});

const WAYS: Way[] = [
  { fits: /^npm ci$/, check: standsInCi },
  { fits: /^npm ci --ignore-scripts$/, check: standsInWorkflow },
  { fits: /^npm start$/, check: startsTheDemo },
  { fits: /^npm run (bench(:openclaw)?|mutation)$/, check: isAScript },
  { fits: /^npm (test|run [a-z]+)$/, check: standsInCi },
  { fits: /^npm pack$/, check: standsInOpenClawTests },
  { fits: /^npm install --omit=dev --ignore-scripts$/, check: standsInOpenClawTests },
  { fits: /^openclaw /, check: standsInOpenClawTests },
  { fits: /^openclaw-inprocess doctor$/, check: examinesTheInstall },
  { fits: /^node examples\/embed\.mjs$/, check: hasATestOfItsOwn },
  { fits: /^openclaw-inprocess run --help$/, check: helps },
  { fits: /^node dist\/adapters\/cli\/main\.js$/, check: isTheCommand },
  { fits: /^openclaw-inprocess runs$/, check: listsRuns },
  { fits: /^openclaw-inprocess run --demo --workspace ~\/\S+$/, check: looksAtTheWorkspace },
  { fits: /^[A-Z]+_API_KEY=\S+ openclaw-inprocess run --model [a-z]+\/\S+ "[^"]+"$/, check: asksTheProvider },
  { fits: /^[^&;]*\bopenclaw-inprocess run .*(--base-url|--config) /, check: answersFromAServer },
];

/** `npm test` can't run these: it would run itself, or install under its own feet. `.ci/run` does on every change. */
function standsInCi(command: string): void {
  if (command.startsWith("npm ci")) expect(existsSync(join(ROOT, "package-lock.json"))).toBe(true);
  else isAScript(command);
  const lines = readDoc(".ci/run").split("\n");
  expect(lines.some((line) => line === command || line.startsWith(`${command} `))).toBe(true);
}

function standsInWorkflow(command: string): void {
  expect(readDoc(".github/workflows/ci.yml")).toContain(`- run: ${command} `);
}

function isAScript(command: string): void {
  const line = scriptOf(command);
  for (const [, file] of line.matchAll(/\bnode ((?!dist\/)\S+\.[cm]?[jt]s)\b/g)) {
    expect(existsSync(join(ROOT, file!)), `${file}, which package.json runs for ${command}`).toBe(true);
  }
}

/** `npm run test:openclaw` runs them with the real thing. */
function standsInOpenClawTests(command: string): void {
  const files: [fits: RegExp, file: string, words: string][] = [
    [/^npm pack/, "test/openclaw/helpers/plugin-install.ts", '"pack"'],
    [/^npm install/, "test/openclaw/helpers/unpacked-plugin.ts", '"--omit=dev"'],
    [/^openclaw /, "test/openclaw/readme-commands.test.ts", 'commandsIn(readDoc("README.md"))'],
  ];
  const [, file, words] = files.find(([fits]) => fits.test(command))!;
  expect(readDoc(file)).toContain(words);
}

async function examinesTheInstall(command: string, skip: Skip): Promise<void> {
  skipWithoutShell(skip);
  const shell = openShell();
  expect(await shell.run(command)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("there is no OpenClaw configuration at ") as string,
  });
  mkdirSync(join(shell.home, ".openclaw"), { recursive: true });
  writeFileSync(join(shell.home, ".openclaw", "openclaw.json"), "{}");
  const run = await shell.run(command);
  expect(run.stdout, run.stderr).toMatch(/^(ok {2}|FAIL) host/m);
}

async function isTheCommand(command: string): Promise<void> {
  const { home } = tempDirs();
  const { code, stdout } = await runCli([...command.split(" ").slice(2), "--version"], { home, cwd: ROOT });
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string });
}

/** What `npm start` runs once the build is there. */
async function startsTheDemo(command: string): Promise<void> {
  isAScript(command);
  const [build, line = "", ...more] = scriptOf(command).split(" && ");
  expect([build, more]).toEqual(["node scripts/build.ts --if-stale", []]);
  expect(line).toMatch(/^node dist\/adapters\/cli\/main\.js /);
  const { home } = tempDirs();
  const run = await runCli(line.split(" ").slice(2), { home, cwd: ROOT, env: { XDG_STATE_HOME: join(home, "state") } });
  expect(run.code, run.stderr).toBe(0);
  expect(run.stdout).toMatch(/^- src\/ \(\d+ files\): /m);
}

function hasATestOfItsOwn(command: string): void {
  const [, example = ""] = command.split(" ");
  expect(existsSync(join(ROOT, example))).toBe(true);
  expect(readDoc("test/api/example.test.ts")).toContain(`describe("${example}", `);
}

async function helps(command: string, skip: Skip): Promise<void> {
  skipWithoutShell(skip);
  const run = await openShell().run(command);
  expect(run).toMatchObject({ code: 0, stderr: "" });
  expect(run.stdout).toMatch(/^Usage: openclaw-inprocess run .*^Exit codes:$/ms);
}

async function listsRuns(command: string, skip: Skip): Promise<void> {
  skipWithoutShell(skip);
  const shell = openShell();
  expect(await shell.run("openclaw-inprocess run --demo --quiet")).toMatchObject({ code: 0, stderr: "" });
  const run = await shell.run(command);
  expect(run.code, run.stderr).toBe(0);
  const lines = run.stdout.trimEnd().split("\n");
  expect(lines.map((line) => line.split(/ {2,}/).at(-1)).sort()).toEqual(["folders", "longest-files", "tests"]);
  for (const line of lines) expect(line).toMatch(/ {2}ok {2}delivered {2}/);
}

async function looksAtTheWorkspace(command: string, skip: Skip): Promise<void> {
  skipWithoutShell(skip);
  const shell = openShell();
  const folder = join(shell.home, /~\/(\S+)/.exec(command)![1]!);
  mkdirSync(join(folder, "cellar"), { recursive: true });
  writeFileSync(join(folder, "cellar", "barrels.ts"), "export {};\n".repeat(41));
  writeFileSync(join(shell.cwd, "elsewhere.ts"), "export {};\n");
  const run = await shell.run(command);
  expect(run.code, run.stderr).toBe(0);
  expect(run.stdout).toContain("1. cellar/barrels.ts: 41 lines\n");
  expect(run.stdout).not.toContain("elsewhere");
}

/** There is no network here: a proxy sees whom the thread wants to talk to. */
async function asksTheProvider(command: string, skip: Skip): Promise<void> {
  skipWithoutShell(skip);
  skip(!process.allowedNodeEnvironmentFlags.has("--use-env-proxy"), "this Node's fetch knows no proxy variables");
  const [, provider = "", id = ""] = /--model ([a-z]+)\/(\S+)/.exec(command)!;
  expect((await providerCatalog().provider(provider))?.models).toHaveProperty([id]);
  expect(PROVIDER_ADDRESSES, "the addresses this test knows").toHaveProperty(provider);
  const proxy = await startRefusingProxy();
  open.push(proxy);
  const run = await openShell().run(command, { NODE_USE_ENV_PROXY: "1", HTTPS_PROXY: proxy.url });
  expect([...new Set(proxy.asked)], run.stderr).toEqual([PROVIDER_ADDRESSES[provider]]);
  expect(run).toMatchObject({ code: 1, stdout: "" });
  const said = run.stderr.split("\n").filter((line) => line.startsWith("openclaw-inprocess: "));
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(
    /^openclaw-inprocess: the main agent failed: .*no connection to https:\/\/api\.anthropic\.com.*\.$/,
  );
  expect(said[0]).toContain(`${provider}/${id}`);
  expect(run.stderr).not.toMatch(/^\s+at /m);
}

/** Only the address is another: the server's answer tells which task reached it. */
async function answersFromAServer(command: string, skip: Skip): Promise<void> {
  skipWithoutShell(skip);
  const server = await startAgents("openai-completions", {
    main: (_turn, _afterTools, request) => `You asked: ${userTexts(request)[0]}`,
    child: () => "",
  });
  open.push(server);
  const shell = openShell();
  const [, config] = /--config (\S+)/.exec(command) ?? [];
  if (config !== undefined) writeConfig(join(shell.cwd, config), server);
  const run = await shell.run(command.replace("http://localhost:11434/v1", server.baseUrl));
  expect(run.code, run.stderr).toBe(0);
  const answer = `You asked: ${/"([^"]+)"/.exec(command)![1]}`;
  if (command.includes(" --json")) expect(lastLine(run.stdout)).toMatchObject({ type: "answer", text: answer });
  else expect(run.stdout).toBe(`${answer}\n`);
  const model = config === undefined ? /--model (\S+)/.exec(command)![1] : CONFIGURED_MODEL;
  expect(server.requests.map(({ body }) => body.model)).toEqual([model]);
}

/** An OpenClaw config with more in it than is ours. */
function writeConfig(path: string, { baseUrl }: AgentServer): void {
  const providers = {
    house: { baseUrl, api: "openai-completions", apiKey: "none", models: [{ id: CONFIGURED_MODEL }] },
  };
  const defaults = { model: `house/${CONFIGURED_MODEL}` };
  const config = { agents: { defaults }, models: { providers }, channels: { telegram: { enabled: true } } };
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `// JSON5\n${JSON.stringify(config)}\n`);
}

/** Every line is JSON. */
function lastLine(stdout: string): unknown {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line))
    .at(-1);
}

function scriptOf(command: string): string {
  const name = command.replace(/^npm (run )?/, "");
  const { scripts } = JSON.parse(readDoc("package.json")) as { scripts: Record<string, string> };
  expect(scripts, `the scripts of package.json, for ${command}`).toHaveProperty(name);
  return scripts[name]!;
}

function skipWithoutShell(skip: Skip): void {
  skip(process.platform === "win32", "the line is written for a POSIX shell");
}

const CONFIGURED_MODEL = "house-1";

const PROVIDER_ADDRESSES: Record<string, string> = { anthropic: "api.anthropic.com:443" };
