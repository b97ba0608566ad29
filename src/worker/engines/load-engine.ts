/** Finds the engine a run asked for: ours by name, a user's own by file URL or absolute path. */

import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import { InprocessError, messageOf } from "../../errors.ts";
import type { Engine } from "../engine.ts";
import { paceStreams } from "./openclaw/paced-streams.ts";
import { piEngine } from "./pi.ts";

/** @throws InprocessError `engine_failed` when the module can't be loaded or exports no engine */
export async function loadEngine(name: string): Promise<Engine> {
  if (name === "pi") return piEngine;
  if (name === "openclaw") {
    paceStreams();
    // A file of its own, so that threads which don't run it carry nothing of it.
    return (await import("./openclaw/engine.ts")).openclawEngine;
  }
  const url = isAbsolute(name) ? pathToFileURL(name).href : name;
  let module: { default?: Partial<Engine> };
  try {
    module = (await import(url)) as typeof module;
  } catch (error) {
    throw new InprocessError("engine_failed", `The engine ${name} can't be loaded: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  if (typeof module.default?.run !== "function") {
    throw new InprocessError("engine_failed", `The engine ${name} has no default export with a function \`run\`.`);
  }
  return module.default as Engine;
}
