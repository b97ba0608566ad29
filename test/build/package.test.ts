import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { findings, isScanned } from "./plugin-scan.ts";
import { manifestOf, reachedModules, reachedTypes, ROOT, shippedFiles, type Manifest } from "./shipped-files.ts";

describe("the package", () => {
  let manifest: Manifest;
  let shipped: string[];
  let reached: { files: string[]; packages: Set<string> };
  beforeAll(async () => {
    manifest = manifestOf(ROOT);
    [shipped, reached] = await Promise.all([shippedFiles(), reachedModules(manifest)]);
  });

  it("has nothing in it that a scan of plugins objects to", () => {
    const files = shipped.filter(isScanned).map((name) => ({ name, text: textOf(name) }));
    expect(files.length).toBeGreaterThan(100);
    expect(findings(files)).toEqual([]);
  });

  it("ships every module that something loads, and no other", () => {
    expect(shipped.filter((path) => path.endsWith(".js")).sort()).toEqual(reached.files.sort());
  });

  it("ships the declarations that its users' compilers load, and no other", () => {
    expect(shipped.filter((path) => path.endsWith(".ts")).sort()).toEqual(reachedTypes(manifest).sort());
  });

  it("ships beside them the models of each provider, the licences, and what a reader of the package expects", () => {
    const others = shipped.filter((path) => !isScanned(path) && !path.startsWith("dist/providers/"));
    expect(others.sort()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "dist/worker/entry.js.LEGAL.txt",
      "openclaw.plugin.json",
      "package.json",
    ]);
    expect(shipped).toContain("dist/providers/index.json");
  });

  it("depends on what its modules load, and on nothing else", () => {
    // Loaded by `require` when the first logger is made.
    expect(textOf("dist/log.js")).toContain(`createRequire(import.meta.url)("pino")`);
    const loaded = [...reached.packages].filter((name) => !isBuiltin(name) && !NEVER_ASKED_FOR.has(name));
    expect(Object.keys(manifest.dependencies).sort()).toEqual([...loaded, "pino"].sort());
  });

  it("offers the native parts of the file library that is bundled, each at its version, and does without them", () => {
    const library = manifestOf(join(ROOT, "node_modules", "@openclaw", "fs-safe"));
    const native = Object.entries(library.optionalDependencies).filter(([name]) => name.startsWith(NATIVE));
    expect(manifest.optionalDependencies).toEqual(Object.fromEntries(native));
    expect(textOf("dist/worker/files.js")).toContain(`\`${NATIVE}\${`);
  });
});

describe("the scan's rules", () => {
  it.each([
    ["a.js", "may start a process", `import "node:child_process"; /x/.exec("x")`],
    ["a.mjs", "may start a process", `// child_process\ncp["spawn"]("ls")`],
    ["a.cjs", "runs code made from text", `eval ("1")`],
    ["a.ts", "runs code made from text", "new Function('return 1')"],
    ["a.js", "reads files and may send them", "readFileSync(a); // to be put into a Post"],
    ["a.d.ts", "reads the environment and may send it", "/** process.env */ fetch"],
    ["a.js", "hides text in hex", String.raw`"\x61\x61\x61\x61\x61\x61"`],
    ["a.js", "hides text in base64", `atob("${"QUJD".repeat(50)}")`],
    ["a.js", "opens a WebSocket on a port of its own", `new WebSocket("ws://127.0.0.1:18789")`],
    ["a.js", "too large", "x".repeat(1024 * 1024 + 1)],
  ])("say of a file %s: %s", (name, what, text) => {
    expect(isScanned(name)).toBe(true);
    expect(findings([{ name, text }])).toEqual([`${name}: ${what}`]);
  });

  it("let be what only sounds like it", () => {
    const text = "/a/.exec(a); port.postMessage(b); readFile(c); prefetch(); evaluate(); spawn(d);";
    expect(findings([{ name: "a.js", text }])).toEqual([]);
  });
});

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

const NATIVE = "@openclaw/fs-safe-";

/** In AWS's client, for proxies that want it; says that it is missing where one does. */
const NEVER_ASKED_FOR = new Set(["kerberos"]);
