/** What every runtime promises, tested over any of them, capability by capability: one that is missing is refused by name. */

import { capabilities } from "./capabilities.ts";
import { spawner, type Opening, type Start, type Subject } from "./contract-kit.ts";
import { promises } from "./promises.ts";

/** @param open makes a runtime for one test, with an empty registry of its own; it sees to its being closed afterwards */
export function runtimeContract(name: string, open: (opening: Opening) => Promise<Subject>): void {
  const start: Start = async (script, limits = {}) => {
    const subject = await open({ script, limits });
    return { ...subject, spawn: spawner(subject) };
  };
  promises(name, start);
  capabilities(name, start);
}
