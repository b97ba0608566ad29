/** Budgets in US dollars and models that nobody here knows the prices of. */

import { describe, expect, it } from "vitest";

import { createLogger } from "../../src/log.ts";
import type { Cost, ResolvedModel } from "../../src/types.ts";
import { createSessionTools } from "../../src/tools/session-tools.ts";
import { serveModel, startRuntime, type FixtureOptions } from "../helpers/runtime-fixture.ts";

const PRICES: Cost = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 };
const USD = { budget: { usd: 1 } };
const UNKNOWN =
  /can't be held: no prices are known of [^;]+\/[^;]+; set its cost under models\.providers, or limit tokens instead/;

describe("a budget in US dollars that a spawn is given", () => {
  it("is refused for a model that no prices are known of, with what to do, and nothing is begun", async () => {
    const { runtime, requester, server } = await family({});
    const refused = await runtime.spawn({ task: "x", ...USD }, requester);
    expect(refused).toMatchObject({ status: "error", code: "params_invalid" });
    expect(refused).toMatchObject({ error: expect.stringMatching(UNKNOWN) as string });
    expect(await runtime.list(requester)).toEqual([]);
    expect(server.requests).toEqual([]);
  });

  it("is taken for one that has prices, were they 0, and so are other limits for one that has none", async () => {
    for (const cost of [PRICES, { ...PRICES, input: 0, output: 0 }]) {
      const { start, settled } = await family({ cost });
      const { budget, outcome } = await settled((await start({ task: "x", ...USD })).runId);
      expect(outcome).toEqual({ status: "ok" });
      expect(budget).not.toHaveProperty("unpriced");
    }
    const { start, settled, logged } = await family({});
    const { budget } = await settled((await start({ task: "x", budget: { tokens: 10_000 } })).runId);
    expect(budget).not.toHaveProperty("unpriced");
    expect(logged).toEqual([]);
  });

  it("is refused for one of its fallbacks as well, which is named", async () => {
    const { runtime, requester } = await family({ cost: PRICES }, (model) => ({
      ...model,
      fallbacks: [{ ...without(model), id: "dearer" }],
    }));
    const refused = await runtime.spawn({ task: "x", ...USD }, requester);
    expect(refused).toMatchObject({ error: expect.stringMatching(/no prices are known of [^;]+\/dearer;/) as string });
  });

  it("holds below: no child of such a child has a model without prices", async () => {
    const fixture = await family({ cost: PRICES }, undefined, { limits: { maxSpawnDepth: 2 } });
    const { host, start, settled } = fixture;
    const { model } = host;
    host.onResolve = async () => (host.resolved.length === 1 ? model : without(model));
    const run = await start({ task: "spawn one", ...USD });
    expect((await settled(run.runId)).text).toMatch(/budget[^]*no prices are known of/);
  });
});

describe("the configured budget of a tree in US dollars", () => {
  it("lets a model without prices go on: warned of once, and every result says that its cost isn't in it", async () => {
    const { start, host, logged, runtime, requester } = await family({}, undefined, { subagents: USD });
    await start("one");
    await start("two");
    await host.completionsCame(2);
    for (const { outcome, budget, message } of host.delivered) {
      expect(outcome).toEqual({ status: "ok" });
      expect(budget).toMatchObject({ of: "tree", unpriced: true, used: { usd: 0 } });
      expect(message).toContain("cost $0.0000 of $1.0000 (no prices known of a model in it)");
    }
    expect(logged).toEqual([expect.stringMatching(/doesn't count what .+ uses, for no prices are known of it; set/)]);
    const wait = createSessionTools(runtime, requester).find(({ name }) => name === "agents_wait")!;
    const ids = host.delivered.map(({ runId }) => runId);
    const { details } = await wait.execute("call", { ids, mode: "all" }, AbortSignal.timeout(30_000));
    expect(details).toMatchObject({ completed: [{ budget: { unpriced: true } }, { budget: { unpriced: true } }] });
  });
});

/** A model that answers at once; told to spawn, it says what came of that. */
async function family(
  prices: { cost?: Cost },
  change: (model: ResolvedModel) => ResolvedModel = (model) => model,
  options: FixtureOptions = {},
) {
  const server = await serveModel(({ lastUserText, afterToolResult, messages }) => {
    if (afterToolResult) return JSON.stringify(messages.at(-1));
    return lastUserText.includes("spawn")
      ? { toolCalls: [{ name: "sessions_spawn", args: { task: "below" } }] }
      : { text: "done", usage: { input: 600, output: 100 } };
  });
  const logged: string[] = [];
  const warn = (_fields: object, message: string): void => void logged.push(message);
  const model = change({ ...without(server.model), ...prices });
  const fixture = await startRuntime({ ...options, model, logger: { ...createLogger(), warn } });
  return { ...fixture, server, logged };
}

function without({ cost: _prices, ...model }: ResolvedModel): ResolvedModel {
  return model;
}
