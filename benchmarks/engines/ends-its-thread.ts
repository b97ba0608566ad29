/**
 * `#ends=<path>`: writes the time into it and ends the thread with all that is on it; where the file is there already,
 * answers with that time and its own. `#beside=<path>`: the same without the ending, and waits to be taken along.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { ok, userTexts } from "../../test/fixtures/engines/engine-kit.ts";
import type { Engine } from "../../src/worker/engine.ts";
import { now } from "../lib/times.ts";

export default {
  run: async (_task, link, signal) => {
    const text = userTexts(link).join("\n");
    const [, how, path] = /#(ends|beside)=(\S+)/.exec(text) ?? [];
    if (path === undefined) return ok("warm");
    if (existsSync(path)) return ok(`${readFileSync(path, "utf8")} ${now()}`);
    writeFileSync(path, String(now()));
    if (how === "ends") return process.exit(7);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return ok("nobody ended the thread");
  },
} satisfies Engine;
