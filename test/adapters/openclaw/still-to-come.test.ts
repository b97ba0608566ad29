import { expect, it } from "vitest";

import { stillToCome } from "../../../src/adapters/openclaw/still-to-come.ts";
import type { RunView } from "../../../src/types.ts";

const MAIN = "agent:main:main";

it("counts a session's children that aren't over", () => {
  const runs = [run("a", MAIN, "running"), run("b", MAIN, "queued"), run("c", MAIN, "settled")];
  expect(stillToCome(runs, MAIN, [])).toBe(2);
  expect(stillToCome([], MAIN, [])).toBe(0);
});

it("leaves the children of one that isn't over to it", () => {
  const runs = [
    run("boss", MAIN, "waiting"),
    run("leaf", "boss", "running"),
    run("done", "boss", "settled", "pending"),
  ];
  expect(stillToCome(runs, MAIN, [])).toBe(1);
});

it("counts those that an orchestrator left behind, at work or on their way, at any depth", () => {
  const runs = [
    run("boss", MAIN, "settled", "pending"),
    run("leaf", "boss", "running"),
    run("ended", "boss", "settled", "pending"),
    run("told", "boss", "settled", "delivered"),
    run("under", "boss", "settled", "pending"),
    run("deep", "under", "settled", "pending"),
  ];
  expect(stillToCome(runs, MAIN, ["boss"])).toBe(4);
});

it("doesn't count one at work that tells nobody of its end", () => {
  const quiet: RunView = { ...run("quiet", MAIN, "running"), expectsCompletionMessage: false };
  expect(stillToCome([quiet, run("loud", MAIN, "running")], MAIN, [])).toBe(1);
});

it("doesn't count what is being told now", () => {
  const runs = [run("boss", MAIN, "settled", "pending"), run("leaf", "boss", "settled", "pending")];
  expect(stillToCome(runs, MAIN, ["boss", "leaf"])).toBe(0);
});

function run(name: string, above: string, state: RunView["state"], delivery: RunView["delivery"] = "none") {
  const requesterSessionKey = above === MAIN ? MAIN : `agent:main:subagent:${above}`;
  return {
    runId: name,
    childSessionKey: `agent:main:subagent:${name}`,
    requesterSessionKey,
    state,
    delivery,
  } as RunView;
}
