/** The worker's files: our worker code, pi's agent loop and the provider clients, with no way to the environment. */

import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import type { BuildOptions, Metafile, Plugin } from "esbuild";
import { assertWorkerText } from "./bundle-check.ts";
import { licenseTexts } from "./bundle-licenses.ts";
import { WORKER_PATCHES } from "./bundle-patches.ts";
import { pruneUnused, replaceModules } from "./bundle-plugins.ts";

/**
 * Writes `dist/worker/entry.js`, the files it loads (`WORKER_FILES`), and `entry.js.LEGAL.txt` for all of them.
 * @param root the repository
 * @param dist where the build goes
 * @returns size of `entry.js`
 * @throws Error with one sentence when a dependency no longer looks as a patch expects, or a file holds what it mustn't
 */
export async function bundleWorker(root: string, dist: string): Promise<{ bytes: number }> {
  const folder = join(dist, "worker");
  await bundleFiles(root, folder, { entry: join(root, "src", "worker", "entry.ts") });
  return { bytes: statSync(join(folder, "entry.js")).size };
}

/**
 * The same for any entry files; the `WORKER_FILES` come with them.
 * @param entryPoints path by the name of the file to be written, without `.js`
 */
export async function bundleFiles(root: string, folder: string, entryPoints: Record<string, string>): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { metafile } = await build({
    ...WORKER_OPTIONS,
    absWorkingDir: root,
    entryPoints: { ...entryPoints, ...workerFiles(root) },
    outdir: folder,
    metafile: true,
    plugins: [loadWorkerFiles(root), replaceModules(WORKER_PATCHES), pruneUnused(SIDE_EFFECT_FREE)],
  });
  const names = [...Object.keys(entryPoints), ...WORKER_FILES];
  for (const name of names) checkOrRemove(folder, `${name}.js`);
  const notices = names.map((name) => take(join(folder, `${name}.js.LEGAL.txt`)));
  writeFileSync(join(folder, "entry.js.LEGAL.txt"), licenseTexts(root, bundledModules(metafile), notices));
}

function workerFiles(root: string): Record<string, string> {
  const apis = OWN_FILES.map((api): [string, string] => [api, `${PI_APIS}${api}`]);
  const ours = Object.entries(OUR_FILES).map(([name, path]): [string, string] => [name, join(root, "src", path)]);
  return Object.fromEntries([...apis, ...ours]);
}

/** A file that mustn't ship isn't left for a later step to find. */
function checkOrRemove(folder: string, name: string): void {
  try {
    assertWorkerText(readFileSync(join(folder, name), "utf8"), `dist/worker/${name}`, {
      hearsOfProcesses: name === `${OPENCLAW}.js`,
    });
  } catch (error) {
    rmSync(join(folder, name));
    throw error;
  }
}

/** Modules of which something is in a file: what was read and then left out needs no licence. */
function bundledModules(metafile: Metafile): string[] {
  return Object.values(metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
}

/** What esbuild wrote beside a file, if it found any notice in it. */
function take(path: string): string {
  if (!existsSync(path)) return "";
  const text = readFileSync(path, "utf8");
  rmSync(path);
  return text;
}

const PI_APIS = "@earendil-works/pi-ai/api/";

/**
 * APIs whose client is loaded from a file of its own at first use, so that threads that don't speak them carry nothing
 * of them: AWS's client alone makes Node load HTTP/2 and TLS, for 35 ms and 8 MB a thread, at once when it is inside
 * `entry.js`. Every file stays under the 1 MiB that OpenClaw's scan of a plugin reads. The names are fixed, so that a
 * package updated in place still has them.
 */
export const OWN_FILES = [
  "anthropic-messages",
  "google-generative-ai",
  "google-vertex",
  "bedrock-converse-stream",
] as const;

/** The engine that runs the gateway's own runner, loaded only by threads that have such a run. */
const OPENCLAW = "openclaw";

/**
 * Modules of ours with a file of their own, by its name. What reads the user's files is apart from what speaks with
 * servers, as the scan of a plugin asks: a file that does both could send what it read. The errors are apart because
 * the others tell them by their class, so a thread may have it only once.
 */
const OUR_FILES = {
  files: "worker/files.ts",
  errors: "errors.ts",
  // With the validator of JSON Schemas, which few threads need.
  "answer-form": "worker/answer-form.ts",
  [OPENCLAW]: "worker/engines/openclaw/engine.ts",
} as const;

/** All that is beside the entry. */
export const WORKER_FILES: readonly string[] = [...OWN_FILES, ...Object.keys(OUR_FILES)];

/** Leaves imports of the worker's other files standing, whoever imports them. */
function loadWorkerFiles(root: string): Plugin {
  const ours = new Map(Object.entries(OUR_FILES).map(([name, path]) => [join(root, "src", path), name]));
  return {
    name: "load-worker-files",
    setup(build) {
      build.onResolve({ filter: new RegExp(`^${PI_APIS}(?:${OWN_FILES.join("|")})$`) }, ({ kind, path }) =>
        kind === "dynamic-import" ? { path: `./${path.slice(PI_APIS.length)}.js`, external: true } : undefined,
      );
      build.onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ kind, path, resolveDir }) => {
        const name = kind === "entry-point" ? undefined : ours.get(join(resolveDir, path));
        return name === undefined ? undefined : { path: `./${name}.js`, external: true };
      });
    },
  };
}

const NO_ENVIRONMENT = "__noEnvironment";

/** Beside the empty environment: CommonJS inside the bundle asks for Node's own modules by `require`, which ES modules lack. */
const BANNER = [
  `import { createRequire as __createRequire } from "node:module";`,
  `const require = __createRequire(import.meta.url);`,
  `const ${NO_ENVIRONMENT} = {};`,
].join("\n");

/** Packages whose modules do nothing when loaded, though their package.json doesn't say so: what isn't used is left out. */
const SIDE_EFFECT_FREE = [
  "@earendil-works/pi-agent-core",
  "@earendil-works/pi-telemetry",
  "@earendil-works/chord",
  "typebox",
];

/** What every build of worker code shares; tests build small entries with it. */
export const WORKER_OPTIONS = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node22",
  // AWS's packages name their ES modules only there; without them nothing of them can be left out.
  mainFields: ["module", "main"],
  external: ["zod", "piscina", "pino", "execa", "tree-kill"],
  // The worker is told everything over its channel. What still asks for an environment finds an empty one.
  define: { "process.env": NO_ENVIRONMENT, "globalThis.process.env": NO_ENVIRONMENT },
  // Comments and blanks are a third of the text and each thread keeps a copy of it; names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: "external",
  banner: { js: BANNER },
  logLevel: "silent",
} satisfies BuildOptions;
