/** esbuild plugins that change what a dependency brings into the bundle, and fail the build when it changed under them. */

import { readFileSync } from "node:fs";
import type { Loader, Plugin } from "esbuild";

/** One module of a dependency, and what the bundle holds in its place. */
export type ModulePatch = {
  /** The module's path below `node_modules`, with forward slashes. */
  module: string;
  /** Why, for the reader of a failing build. */
  why: string;
} & (
  | { /** Each `from` must stand in the module exactly once. */ edits: { from: string; to: string }[] }
  | { /** The whole text of the module. Imports in it are resolved from the module's own folder. */ contents: string }
);

/**
 * Puts patched modules in the place of the originals.
 * The build fails with a sentence naming the module when an edit's text isn't there exactly once,
 * or when a patch's module was never asked for (the dependency moved it, and the patch no longer protects anything).
 */
export function replaceModules(patches: readonly ModulePatch[]): Plugin {
  return {
    name: "replace-modules",
    setup(build) {
      const byModule = new Map(patches.map((patch) => [patch.module, patch]));
      const met = new Set<string>();
      build.onStart(() => met.clear());
      build.onLoad({ filter: /[\\/]node_modules[\\/].*\.(?:js|mjs|cjs)$/ }, ({ path }) => {
        const module = moduleOf(path);
        const patch = byModule.get(module);
        if (!patch) return undefined;
        met.add(module);
        const loader: Loader = "js";
        if ("contents" in patch) return { contents: patch.contents, loader };
        try {
          return { contents: applyEdits(readFileSync(path, "utf8"), patch), loader };
        } catch (error) {
          return { errors: [{ text: (error as Error).message }] };
        }
      });
      build.onEnd(() => ({
        errors: patches
          .filter((patch) => !met.has(patch.module))
          .map((patch) => ({
            text: `The patch of ${patch.module} (${patch.why}) met no module: the dependency moved or dropped it; look at the new version and change scripts/bundle-patches.ts.`,
          })),
      }));
    },
  };
}

/** @throws Error naming the module when a text isn't there exactly once */
export function applyEdits(text: string, patch: Extract<ModulePatch, { edits: unknown }>): string {
  let edited = text;
  for (const { from, to } of patch.edits) {
    const count = edited.split(from).length - 1;
    if (count !== 1) {
      throw new Error(
        `The patch of ${patch.module} (${patch.why}) expects "${from}" once and found it ${count} times: look at the new version and change scripts/bundle-patches.ts.`,
      );
    }
    edited = edited.replace(from, () => to);
  }
  return edited;
}

/** Leaves modules of `packages` out of the bundle when nothing they export is used. */
export function pruneUnused(packages: readonly string[]): Plugin {
  return {
    name: "prune-unused",
    setup(build) {
      build.onResolve({ filter: /.*/ }, async (args) => {
        if (args.pluginData === RESOLVING || args.kind === "entry-point") return undefined;
        if (!isOneOf(args.path.startsWith(".") ? moduleOf(args.importer) : args.path, packages)) return undefined;
        const { path, external, errors, suffix } = await build.resolve(args.path, {
          importer: args.importer,
          kind: args.kind,
          resolveDir: args.resolveDir,
          namespace: args.namespace,
          pluginData: RESOLVING,
        });
        if (external || errors.length > 0) return undefined;
        return { path, suffix, sideEffects: false };
      });
    },
  };
}

function isOneOf(module: string, packages: readonly string[]): boolean {
  return packages.some((name) => module === name || module.startsWith(`${name}/`));
}

/** The path below the innermost `node_modules`, with forward slashes on every system. */
function moduleOf(path: string): string {
  const unix = path.replaceAll("\\", "/");
  const mark = "/node_modules/";
  const at = unix.lastIndexOf(mark);
  return at < 0 ? unix : unix.slice(at + mark.length);
}

const RESOLVING = Symbol("resolving");
