import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { describe, expect, it } from "vitest";
import { faultsOf } from "./helpers/architecture-rules.ts";
import { importsOf, type Source } from "./helpers/import-graph.ts";

const SRC = join(import.meta.dirname, "..", "src");

describe("src", () => {
  it("keeps to the import table, its owners, its lengths, and has no cycles", () => {
    const sources = readSources();
    expect(sources.length).toBeGreaterThan(10);
    expect(faultsOf(sources)).toEqual([]);
  });

  it("imports only files that are there", () => {
    const sources = readSources();
    const paths = new Set(sources.map((source) => source.path));
    const missing = sources.flatMap(importsOf).filter(({ to }) => to.endsWith(".ts") && !paths.has(to));
    expect(missing).toEqual([]);
  });
});

describe("the checker", () => {
  it.each<[string, Record<string, string>, string]>([
    ["a folder that isn't allowed", { "policy/a.ts": `import { b } from "../registry/b.ts";` }, "policy may not"],
    ["a re-export", { "policy/a.ts": `export * from "../runtime/b.ts";` }, "policy may not"],
    ["a dynamic import", { "policy/a.ts": `await import("../runtime/b.ts");` }, "policy may not"],
    ["an import for its effects", { "registry/a.ts": `import "../log.ts";` }, "registry may not"],
    [
      "inline type specifiers, which load the module",
      { "pool/a.ts": `import { type B } from "../registry/b.ts";` },
      "pool may not",
    ],
    [
      "a tool reaching past the runtime's contract",
      { "tools/a.ts": `import { b } from "../runtime/b.ts";` },
      "tools may not",
    ],
    [
      "adapters imported for a type",
      { "runtime/a.ts": `import type { B } from "../adapters/b.ts";` },
      "nobody imports adapters/",
    ],
    ["worker imported for a value", { "pool/a.ts": `import { b } from "../worker/entry.ts";` }, "by URL only"],
    ["index imported", { "adapters/a.ts": `import { b } from "../index.ts";` }, "nobody may"],
    ["a leaf that imports a folder", { "log.ts": `import { b } from "./pool/b.ts";` }, "leaves may not"],
    ["a folder of its own making", { "misc/a.ts": `import { b } from "../errors.ts";` }, "doesn't know"],
    ["a package outside its owner", { "runtime/a.ts": `import { Piscina } from "piscina";` }, "belongs to pool/"],
    [
      "a subpath of it",
      { "adapters/a.ts": `import { b } from "@earendil-works/pi-ai/utils/text";` },
      "worker/engines/",
    ],
    [
      "pi's types outside the engines",
      { "types.ts": `export type A = import("@earendil-works/pi-ai").Model;` },
      "worker/engines/",
    ],
    [
      "a builtin outside its owner",
      { "runtime/a.ts": `import { DatabaseSync } from "node:sqlite";` },
      "belongs to registry/",
    ],
    ["a package without an owner", { "tools/a.ts": `import chalk from "chalk";` }, "no owner yet"],
    [
      "a cycle",
      { "channel/a.ts": `import "./b.ts";`, "channel/b.ts": `import "./c.ts";`, "channel/c.ts": `import "./a.ts";` },
      "cycle",
    ],
    ["a file that imports itself", { "channel/a.ts": `import "./a.ts";` }, "cycle"],
    ["a long file", { "events.ts": "// line\n".repeat(301) }, "301 lines"],
    ["the environment read", { "pool/a.ts": `const path = process.env.PATH;` }, "reads the environment"],
    [
      "the environment read by index",
      { "pool/a.ts": `const { PATH } = globalThis.process["env"];` },
      "reads the environment",
    ],
    ["the environment taken apart", { "pool/a.ts": `const { env } = process;` }, "reads the environment"],
    ["the environment imported", { "worker/a.ts": `import { env } from "node:process";` }, "reads the environment"],
  ])("finds %s", (_what, files, sentence) => {
    const faults = faultsOf(sourcesOf(files));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(sentence);
  });

  it.each<[string, Record<string, string>]>([
    ["types from anywhere else", { "policy/a.ts": `import type { B } from "../registry/b.ts";` }],
    [
      "types in a cycle",
      { "channel/a.ts": `import { b } from "./b.ts";`, "channel/b.ts": `import type { A } from "./a.ts";` },
    ],
    ["two ways to one file", { "a.ts": `import "./b.ts"; import "./c.ts";`, "b.ts": `import "./c.ts";`, "c.ts": "" }],
    [
      "what the table allows",
      { "runtime/a.ts": `import { b } from "../pool/b.ts"; import { c } from "../config/c.ts";` },
    ],
    ["index importing everything", { "index.ts": `export { a } from "./adapters/embed.ts";` }],
    [
      "owners",
      { "registry/a.ts": `import { DatabaseSync } from "node:sqlite";`, "tools/a.ts": `import { z } from "zod";` },
    ],
    ["builtins", { "worker/tools/a.ts": `import { readFile } from "node:fs/promises";` }],
    ["the word in a comment or a string", { "pool/a.ts": `// process.env\nconst a = "import x from './b.ts'";` }],
    ["the environment of a command", { "adapters/cli/a.ts": `const key = process.env["KEY"];` }],
  ])("lets %s pass", (_what, files) => {
    expect(faultsOf(sourcesOf(files))).toEqual([]);
  });
});

function readSources(): Source[] {
  return readdirSync(SRC, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: relative(SRC, file).replaceAll(sep, "/"), text: readFileSync(file, "utf8") }));
}

function sourcesOf(files: Record<string, string>): Source[] {
  return Object.entries(files).map(([path, text]) => ({ path, text }));
}
