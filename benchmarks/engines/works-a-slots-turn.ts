/**
 * An orchestrator that starts as many children as its task says (`children=10`), all in its first turn; any other run
 * works for as long as its task says (`ms=50`) without keeping its thread from others.
 */

import { ok, userTexts } from "../../test/fixtures/engines/engine-kit.ts";
import type { Engine } from "../../src/worker/engine.ts";

export default {
  run: async (_task, link, signal) => {
    const texts = userTexts(link);
    const [, children] = /children=(\d+)/.exec(texts[0]!) ?? [];
    const [, ms] = /ms=(\d+)/.exec(texts[0]!) ?? [];
    if (children === undefined) {
      await new Promise((resolve) => setTimeout(resolve, Number(ms)));
      return ok("done");
    }
    if (texts.length > 1) return ok("all done");
    const spawn = link.tools.find((tool) => tool.name === "sessions_spawn")!;
    for (let n = 0; n < Number(children); n += 1) await spawn.execute(`call_${n}`, { task: `ms=${ms}` }, signal);
    return ok("waiting for them");
  },
} satisfies Engine;
