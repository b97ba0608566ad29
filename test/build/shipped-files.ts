/** What `npm pack` would ship, and what of it something reaches. */

import { readFileSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { build } from "esbuild";
import { execa } from "execa";
import ts from "typescript";

export const ROOT = join(import.meta.dirname, "..", "..");

export type Manifest = {
  types: string;
  exports: { ".": { import: string } };
  bin: Record<string, string>;
  openclaw: { extensions: string[] };
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
};

export function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** Paths with forward slashes, relative to the package. */
export async function shippedFiles(): Promise<string[]> {
  const { stdout } = await execa("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: ROOT });
  const [packed] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  return packed.files.map(({ path }) => path);
}

/** The modules that run, from all that is loaded from outside or by its file name, and the packages they import. */
export async function reachedModules(manifest: Manifest): Promise<{ files: string[]; packages: Set<string> }> {
  const named = [manifest.exports["."].import, ...Object.values(manifest.bin), ...manifest.openclaw.extensions];
  const worker = readdirSync(join(ROOT, "dist", "worker"))
    .filter((name) => name.endsWith(".js"))
    .map((name) => `dist/worker/${name}`);
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [...named, ...THREADS, ...worker],
    bundle: true,
    write: false,
    outdir: "none",
    metafile: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "silent",
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  const packages = imports.filter(({ external }) => external).map(({ path }) => packageOf(path));
  return { files: Object.keys(metafile.inputs), packages: new Set(packages) };
}

/** The declarations a user's compiler loads. */
export function reachedTypes(manifest: Manifest): string[] {
  const options = { module: ts.ModuleKind.NodeNext, noLib: true, types: [], noEmit: true };
  const program = ts.createProgram([join(ROOT, manifest.types)], options);
  const dist = resolve(ROOT, "dist");
  return program
    .getSourceFiles()
    .map(({ fileName }) => relative(dist, resolve(fileName)).replaceAll("\\", "/"))
    .filter((path) => !path.startsWith(".."))
    .map((path) => `dist/${path}`);
}

function packageOf(specifier: string): string {
  return /^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0];
}

/** Started by the name of their file. */
const THREADS = ["dist/registry/checkpoint-thread.js", "dist/sessions/history-thread.js"];
