import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assertWorkerText } from "../../scripts/bundle-check.ts";
import { WORKER_PATCHES } from "../../scripts/bundle-patches.ts";
import { applyEdits, replaceModules, type ModulePatch } from "../../scripts/bundle-plugins.ts";
import { bundleWorker, WORKER_FILES } from "../../scripts/bundle-worker.ts";
import type * as Errors from "../../src/errors.ts";
import type * as Files from "../../src/worker/files.ts";

const ROOT = join(import.meta.dirname, "..", "..");
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "inprocess-bundle-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the bundled worker", () => {
  let worker: string;
  let bytes: number;
  beforeAll(async () => {
    worker = join(folder, "worker");
    ({ bytes } = await bundleWorker(ROOT, folder));
  });

  it("is an entry, the file that reads files, the errors, and one file for each thing that is seldom used", () => {
    expect(readdirSync(worker).sort()).toEqual([
      "answer-form.js",
      "anthropic-messages.js",
      "bedrock-converse-stream.js",
      "entry.js",
      "entry.js.LEGAL.txt",
      "errors.js",
      "files.js",
      "google-generative-ai.js",
      "google-vertex.js",
      "openclaw.js",
    ]);
    expect(bytes).toBe(statSync(join(worker, "entry.js")).size);
  });

  it("reads files in one place and speaks with servers in others", () => {
    const files = readdirSync(worker).filter((name) => name.endsWith(".js"));
    const those = (pattern: RegExp): string[] =>
      files.filter((name) => pattern.test(readFileSync(join(worker, name), "utf8")));
    expect(those(/readFile/).sort()).toEqual(["files.js", "openclaw.js"]);
    expect(those(/\bfetch\b/)).toContain("entry.js");
    expect(those(/\bfetch\b|\bpost\b|http\.request/i)).not.toEqual(expect.arrayContaining(["files.js"]));
  });

  it("has the class of its errors once in a thread, wherever one is thrown", async () => {
    const load = (name: string): Promise<object> => import(pathToFileURL(join(worker, name)).href) as Promise<object>;
    writeFileSync(join(folder, "package.json"), `{"type":"module"}`);
    const { openTranscript } = (await load("files.js")) as typeof Files;
    const { InprocessError } = (await load("errors.js")) as typeof Errors;
    const unusable = await openTranscript(folder, { id: "1", cwd: folder }).catch((error: unknown) => error);
    expect(unusable).toBeInstanceOf(InprocessError);
    for (const name of ["entry", "files", "openclaw", "answer-form"]) {
      const text = readFileSync(join(worker, `${name}.js`), "utf8");
      expect(text).toContain(`from"./errors.js"`);
      expect(text).not.toMatch(/class InprocessError/);
    }
  });

  it.each(["entry", ...WORKER_FILES.filter((name) => name !== "openclaw")])(
    "has no environment, eval or process in %s.js, small enough to be scanned",
    (name) => {
      const text = readFileSync(join(worker, `${name}.js`), "utf8");
      expect(text).not.toMatch(/process\d*\.env|child_process|eval\(|new Function\(|process\.env/);
      expect(text.length).toBeLessThan(1024 * 1024);
    },
  );

  it("hears of processes in openclaw.js, and starts none", () => {
    const text = readFileSync(join(worker, "openclaw.js"), "utf8");
    expect(text).toContain("child_process");
    expect(text).not.toMatch(
      /\b(exec|execSync|spawn|spawnSync|execFile|execFileSync)\s*\(|process\.env|\bfetch\b|\bpost\b/,
    );
    expect(text.length).toBeLessThan(64 * 1024);
  });

  it("names the licence of everything in it", () => {
    const legal = readFileSync(join(worker, "entry.js.LEGAL.txt"), "utf8");
    for (const name of [
      "@earendil-works/pi-ai 0.87.1",
      "openai ",
      "@anthropic-ai/sdk ",
      "typebox ",
      "@openclaw/fs-safe ",
      "@cfworker/json-schema ",
    ]) {
      expect(legal).toContain(`\n${name}`);
    }
    expect(legal).toContain("Permission is hereby granted");
  });
});

describe("assertWorkerText", () => {
  it.each([
    ["const a = process.env.KEY;", "the environment"],
    ["const a = globalThis.process?.env;", "the environment"],
    [`const a = process2["env"];`, "the environment"],
    ["// process.env in a comment", "the environment"],
    [`import "node:child_process";`, "child_process"],
    ["eval('1')", "eval"],
    ["const f = new Function('return 1');", "a function made from text"],
    ["const f = new (globalThis.Function)(code);", "a function made from text"],
    [`readFileSync("/proc/self/environ")`, "a file of the system's"],
  ])("refuses %j", (text, what) => {
    expect(() => assertWorkerText(`let x;\n${text}\n`, "dist/worker/entry.js")).toThrow(what);
  });

  it("names everything that matched, and where", () => {
    const text = `fine(); eval("1"); fine(); process.env.HOME;`;
    expect(() => assertWorkerText(text, "some.js")).toThrow(
      /^some\.js holds .*the environment near `.*HOME.*eval near `.*"1"/,
    );
  });

  it("lets a file that may hear of processes name them, and no call that could start one", () => {
    const options = { hearsOfProcesses: true };
    expect(() => assertWorkerText(`subscribe("child_process", f);`, "openclaw.js", options)).not.toThrow();
    expect(() => assertWorkerText(`"child_process"; /a/.exec("a");`, "openclaw.js", options)).toThrow(
      "start a process",
    );
  });

  it("lets a regular expression's exec pass", () => {
    expect(() => assertWorkerText("/a/.exec('a'); evaluate(); processEnv();", "entry.js")).not.toThrow();
  });
});

describe("replaceModules", () => {
  const MODULE = "partial-json/dist/index.js";
  const bundle = (patches: ModulePatch[]) =>
    build({
      stdin: { contents: `export * from "partial-json";`, resolveDir: ROOT },
      bundle: true,
      write: false,
      format: "esm",
      logLevel: "silent",
      plugins: [replaceModules(patches)],
    });

  it("fails the build naming the module when the text isn't there", async () => {
    const patch: ModulePatch = { module: MODULE, why: "a test", edits: [{ from: "no such text", to: "" }] };
    await expect(bundle([patch])).rejects.toThrow(
      `${MODULE} (a test) expects "no such text" once and found it 0 times`,
    );
  });

  it("fails the build when the text is there more than once", async () => {
    const patch: ModulePatch = { module: MODULE, why: "a test", edits: [{ from: "const", to: "var" }] };
    await expect(bundle([patch])).rejects.toThrow(/expects "const" once and found it \d+ times/);
  });

  it("fails the build when a patch's module isn't met any more", async () => {
    const patch: ModulePatch = { module: "partial-json/moved.js", why: "a test", contents: "" };
    await expect(bundle([patch])).rejects.toThrow("partial-json/moved.js (a test) met no module");
  });

  it("puts the new text in", async () => {
    const patch: ModulePatch = { module: MODULE, why: "a test", contents: "export const parse = 'ours';" };
    expect((await bundle([patch])).outputFiles[0]!.text).toContain('parse = "ours"');
  });

  it("takes one parse a delta out of each of pi's streams and leaves the one at the end", () => {
    const linear = WORKER_PATCHES.filter((patch) => patch.module.startsWith("@earendil-works/pi-ai/dist/api/"));
    expect(linear).toHaveLength(5);
    for (const patch of linear) {
      if (!("edits" in patch)) throw new Error(`${patch.module} isn't edited`);
      const before = readFileSync(join(ROOT, "node_modules", patch.module), "utf8");
      const parses = (text: string): number => text.split("parseStreamingJson(").length - 1;
      expect(parses(applyEdits(before, patch)), patch.module).toBe(parses(before) - 1);
      expect(parses(before), patch.module).toBeGreaterThan(1);
    }
  });
});
