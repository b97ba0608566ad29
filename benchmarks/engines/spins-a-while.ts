/** Keeps its thread to itself for a tenth of a second, and is done. */

import { ok } from "../../test/fixtures/engines/engine-kit.ts";
import type { Engine } from "../../src/worker/engine.ts";

export default {
  run: async () => {
    const began = performance.now();
    while (performance.now() - began < SPIN_MS);
    return ok("done");
  },
} satisfies Engine;

const SPIN_MS = 100;
