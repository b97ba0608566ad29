import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import type { HostTool } from "../../src/host.ts";
import type { Completion } from "../../src/types.ts";
import type { RecordedRequest, Reply } from "../helpers/model-server.ts";
import { collect, gate, serveModel, startRuntime, type FixtureOptions } from "../helpers/runtime-fixture.ts";

/** Goes on for ever: says something and calls the host's tool, 700 tokens an answer. */
const endless = ({ index }: Pick<RecordedRequest, "index">): Reply => ({
  text: `step ${index + 1}`,
  toolCalls: [{ name: "lookup", args: {} }],
  usage: { input: 600, output: 100 },
});

/** Of a server that has its own idea of usage: it says something and calls the host's tool. */
function rawAnswer(index: number, content: string, usage: object | undefined): string {
  const call = { index: 0, id: `c${index}`, type: "function", function: { name: "lookup", arguments: "{}" } };
  const chunk = (delta: object, more: object = {}): string =>
    `data: ${JSON.stringify({ id: "x", object: "chat.completion.chunk", choices: [{ index: 0, delta, ...more }] })}\n\n`;
  const told = usage === undefined ? "" : `data: ${JSON.stringify({ id: "x", choices: [], usage })}\n\n`;
  const said = chunk({ role: "assistant", content }) + chunk({ tool_calls: [call] });
  return `${said}${chunk({}, { finish_reason: "tool_calls" })}${told}data: [DONE]\n\n`;
}

async function family(script: (request: RecordedRequest) => Reply | Promise<Reply>, options: FixtureOptions = {}) {
  const server = await serveModel(script);
  const fixture = await startRuntime({ model: server.model, ...options });
  const looked: string[] = [];
  fixture.host.tools = [lookup(looked)];
  return { ...fixture, server, looked };
}

describe("a child with a budget of its own", () => {
  it("calls its model as often as it may, keeps what it said, and tells what was used of what", async () => {
    const { start, settled, server, host, runtime, requester } = await family(endless);
    const run = await start({ task: "go on", budget: { turns: 2, toolCalls: 9 } });
    await host.completionsCame(1);
    expect(server.requests).toHaveLength(2);
    const [completion] = host.delivered;
    expect(completion).toMatchObject({
      outcome: {
        status: "error",
        cause: {
          code: "budget",
          message:
            "The budget that was given with the spawn is used up: 2 of 2 model calls; ask for less, or allow more.",
        },
      },
      text: "step 2",
      usage: { turns: 2, totalTokens: 1_400, toolCalls: 2 },
      budget: {
        of: "run",
        limits: { turns: 2, toolCalls: 9 },
        used: { turns: 2, toolCalls: 2, tokens: 1_400, usd: 0 },
        exceeded: "turns",
      },
    });
    expect(completion!.message).toContain("step 2");
    // Read from its row afterwards, it is the same.
    expect((await settled(run.runId)).budget).toEqual(completion!.budget);
    expect(await runtime.list(requester)).toMatchObject([{ outcome: { status: "error", cause: { code: "budget" } } }]);
  });

  it("leaves a transcript in which every tool call has its result and nothing stands for the refused call", async () => {
    const { start, host, runtime, requester } = await family(endless);
    const run = await start({ task: "go on", budget: { turns: 2 } });
    await host.completionsCame(1);
    const history = await runtime.history(run.childSessionKey, requester, { includeTools: true });
    expect(history.messages.map(({ role }) => role)).toEqual([
      "user",
      "assistant",
      "toolResult",
      "assistant",
      "toolResult",
    ]);
  });

  it("makes as many tool calls as it may, though its model asks for more at once, and no model call after that", async () => {
    const { start, server, host, looked } = await family(() => ({
      text: "all at once",
      toolCalls: Array.from({ length: 5 }, () => ({ name: "lookup", args: {} })),
    }));
    await start({ task: "look", budget: { toolCalls: 3 } });
    await host.completionsCame(1);
    expect(looked).toHaveLength(3);
    expect(server.requests).toHaveLength(1);
    expect(host.delivered).toMatchObject([
      {
        outcome: {
          status: "error",
          cause: { code: "budget", message: expect.stringContaining("3 of 3 tool calls") as string },
        },
        text: "all at once",
        budget: { used: { toolCalls: 3 }, exceeded: "toolCalls" },
      },
    ]);
  });

  it("may still answer when its last tool call is made", async () => {
    const { start, host } = await family((request) => (request.afterToolResult ? "found it" : endless(request)));
    await start({ task: "look", budget: { toolCalls: 1 } });
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ outcome: { status: "ok" }, text: "found it" }]);
    expect(host.delivered[0]!.budget).not.toHaveProperty("exceeded");
  });

  it("is ended by the call after the one that used its last token, or its last cent", async () => {
    for (const [budget, exceeded, said] of [
      [{ tokens: 1_000 }, "tokens", "1400 of 1000 tokens"],
      [{ usd: 0.001 }, "usd", "$0.0014 of $0.001"],
    ] as const) {
      const { start, host, server } = await family(endless);
      host.model = { ...host.model, cost: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 } };
      await start({ task: "go on", budget });
      await host.completionsCame(1);
      expect(server.requests).toHaveLength(2);
      expect(host.delivered[0]).toMatchObject({ outcome: { cause: { code: "budget" } }, budget: { exceeded } });
      expect(host.delivered[0]!.outcome.cause!.message).toContain(said);
    }
  });

  it("isn't let finish an answer that uses its tokens twice over", async () => {
    const { start, host, server } = await family(() => ({ text: "word ".repeat(4_000), chunkChars: 20, delayMs: 2 }));
    host.model = { ...host.model, cost: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 } };
    await start({ task: "talk on", budget: { tokens: 100 } });
    await host.completionsCame(1);
    const [completion] = host.delivered;
    expect(completion).toMatchObject({
      outcome: { status: "error", cause: { code: "budget" } },
      text: expect.stringMatching(/^word word/) as string,
      budget: { limits: { tokens: 100 }, exceeded: "tokens" },
    });
    // Four characters a token: 200 tokens are 800 characters, and some are on their way.
    expect(completion!.text.length).toBeGreaterThanOrEqual(700);
    expect(completion!.text.length).toBeLessThan(8_000);
    expect(completion!.budget!.used.tokens).toBeGreaterThanOrEqual(200);
    // What came of the answer has its price, though the server never told.
    expect(completion!.budget!.used.usd).toBeGreaterThanOrEqual(0.0002);
    await expect.poll(() => server.requests[0]!.abandoned).toBe(true);
  });

  it.each<[string, object | undefined]>([
    ["nothing", undefined],
    ["nonsense", { prompt_tokens: "x", completion_tokens: null }],
    ["less than nothing", { prompt_tokens: -5_000, completion_tokens: -100 }],
  ])("keeps to its tokens where the server tells %s of its usage: what came counts", async (_what, usage) => {
    const { start, host, server } = await family(({ index }) => ({
      raw: rawAnswer(index, "word ".repeat(800), usage),
    }));
    host.model = { ...host.model, cost: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 } };
    await start({ task: "go on", budget: { tokens: 1_900, turns: 9 } });
    await host.completionsCame(1);
    // A thousand tokens and a few an answer.
    expect(server.requests).toHaveLength(2);
    const [{ budget, usage: used, outcome }] = host.delivered as [Completion];
    expect(outcome).toMatchObject({ status: "error", cause: { code: "budget" } });
    expect(budget).toMatchObject({ exceeded: "tokens" });
    expect(budget!.used.tokens).toBeGreaterThanOrEqual(2_000);
    expect(budget!.used.tokens).toBeLessThan(2_100);
    expect(budget!.used.usd).toBeCloseTo(budget!.used.tokens / 1e6, 6);
    expect(used.totalTokens).toBe(budget!.used.tokens);
  });

  it("that ends well within it tells what it used too, and one without a budget tells of none", async () => {
    const { start, host } = await family(() => ({ text: "done", usage: { input: 5, output: 2 } }));
    await start({ task: "a", label: "limited", budget: { tokens: 50 } });
    await start({ task: "b", label: "free" });
    await host.completionsCame(2);
    const of = (label: string) => host.delivered.find((one) => one.label === label)!;
    expect(of("limited")).toMatchObject({
      outcome: { status: "ok" },
      budget: { of: "run", limits: { tokens: 50 }, used: { tokens: 7, turns: 1, toolCalls: 0 } },
    });
    expect(of("limited").budget!.used.wallSeconds).toBeGreaterThan(0);
    expect(of("free")).not.toHaveProperty("budget");
  });

  it("shares it with all below it, whatever those are given", async () => {
    const { start, host, server } = await family(
      ({ lastUserText, afterToolResult }) => {
        if (!lastUserText.includes("spawn")) return endless({ index: 0 });
        if (afterToolResult) return "I wait for it.";
        const args = { task: "go on", budget: { turns: 50 } };
        return { toolCalls: [{ name: "sessions_spawn", args }] };
      },
      // One slot: its own turn is over before its child has one.
      { limits: { maxSpawnDepth: 2, maxConcurrent: 1 } },
    );
    const run = await start({ task: "spawn one", budget: { turns: 4 } });
    await host.completionsCame(2);
    // Two of its own, two of its child's; instead of being woken for a fifth it ends, and leaves its child's result.
    expect(server.requests).toHaveLength(4);
    const budget = { of: "run", limits: { turns: 4 }, used: { turns: 4 }, exceeded: "turns" };
    const outcome = { status: "error", cause: { code: "budget" } };
    expect(host.delivered.find((one) => one.runId === run.runId)).toMatchObject({
      outcome,
      text: "I wait for it.",
      budget,
    });
    expect(host.delivered.find((one) => one.runId !== run.runId)).toMatchObject({ outcome, text: "step 1", budget });
  });

  it("keeps to it when it is interrupted and goes on under another run", async () => {
    const { opened, open } = gate();
    const { start, host, server, runtime, requester } = await family(async (request) => {
      if (request.index === 0) await opened;
      return endless(request);
    });
    await start({ task: "go on", budget: { turns: 3 } });
    await expect.poll(() => server.requests.length).toBe(1);
    expect(await runtime.steer("last", "otherwise", requester, { interrupt: true })).toMatchObject({ mode: "restart" });
    open();
    await host.completionsCame(1);
    expect(server.requests).toHaveLength(3);
    expect(host.delivered[0]).toMatchObject({ outcome: { cause: { code: "budget" } }, budget: { used: { turns: 3 } } });
  });

  it("that is of time ends with that time, from its start on and whatever it goes on under", async () => {
    const { start, host, server, runtime, requester } = await family(({ lastUserText }) =>
      lastUserText.includes("be quick") ? "done" : { text: "word ".repeat(4_000), chunkChars: 5, delayMs: 20 },
    );
    const from = Date.now();
    const slow = await start({ task: "talk on", label: "slow", budget: { wallSeconds: 1.5 } });
    await start({ task: "be quick", label: "quick", budget: { wallSeconds: 900 } });
    await expect.poll(() => server.requests.length).toBe(2);
    expect(await runtime.steer(slow.runId, "go on", requester, { interrupt: true })).toMatchObject({ mode: "restart" });
    await host.completionsCame(2);
    expect(Date.now() - from).toBeGreaterThanOrEqual(1_490);
    const of = (label: string) => host.delivered.find((one) => one.label === label)!;
    expect(of("quick")).toMatchObject({ outcome: { status: "ok" } });
    expect(of("slow")).toMatchObject({
      outcome: {
        status: "error",
        cause: { code: "budget", message: expect.stringMatching(/given with the spawn.* of 1\.5 seconds/) as string },
      },
      text: expect.stringMatching(/^word/) as string,
      budget: { of: "run", limits: { wallSeconds: 1.5 }, exceeded: "wallSeconds" },
    });
  });

  it("is stopped as soon as it is seen over it when its engine asks nobody first", async () => {
    const { start, host } = await startRuntime({ engine: "spends", subagents: { grace: PATIENT } });
    await start({ task: "spend", budget: { tokens: 250 } });
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([
      {
        outcome: { status: "error", cause: { code: "budget" } },
        text: "as far as it got",
        budget: { limits: { tokens: 250 }, exceeded: "tokens" },
      },
    ]);
    const { tokens } = host.delivered[0]!.budget!.used;
    expect(tokens).toBeGreaterThan(250);
    // It is asked to stop at 300; a busy machine may be late.
    expect(tokens).toBeLessThan(5_000);
  });
});

describe("a tree with a budget", () => {
  it("never calls its models more often, whichever of its runs do", async () => {
    const { start, host, server } = await family(endless, { subagents: { budget: { turns: 7 } } });
    await Promise.all(["a", "b", "c", "d"].map((task) => start(task)));
    await host.completionsCame(4);
    expect(server.requests).toHaveLength(7);
    const uses = host.delivered.map((one) => one.budget!);
    expect(uses.every(({ of, exceeded }) => of === "tree" && exceeded === "turns")).toBe(true);
    expect(Math.max(...uses.map(({ used }) => used.turns))).toBe(7);
    expect(
      host.delivered.every((one) => one.outcome.cause!.message.startsWith("The tree's budget (subagents.budget)")),
    ).toBe(true);
  });

  it("that has used it up starts nothing more, says so, and leaves nothing; another tree's isn't touched", async () => {
    const { opened, open } = gate();
    const { start, host, runtime, requester, server } = await family(() => opened.then(() => "done"), {
      subagents: { budget: { turns: 1 } },
    });
    await start("the one");
    await expect.poll(() => server.requests.length).toBe(1);
    const refused = await runtime.spawn({ task: "one more" }, requester);
    expect(refused).toEqual({
      status: "forbidden",
      code: "budget",
      error:
        "No subagent can be started. The tree's budget (subagents.budget) is used up: 1 of 1 model calls; ask for less, or allow more.",
    });
    expect(await runtime.list(requester)).toHaveLength(1);
    await start("another tree's", { ...requester, sessionKey: "agent:main:other" });
    open();
    await host.completionsCame(2);
    // With its last run its budget is closed; the next opens another.
    await start("later");
    await host.completionsCame(3);
    expect(host.delivered.every((one) => one.outcome.status === "ok")).toBe(true);
  });

  it("whose tokens are used twice over stops the others in the middle of their answers", async () => {
    const { opened, open } = gate();
    const { start, host, server } = await family(
      async ({ lastUserText }) => {
        if (!lastUserText.includes("spend")) return { text: "word ".repeat(4_000), chunkChars: 5, delayMs: 20 };
        await opened;
        return { text: "a lot", usage: { input: 5_000, output: 1 } };
      },
      { subagents: { budget: { tokens: 2_000 } } },
    );
    await start({ task: "talk on", label: "talker" });
    await start({ task: "spend", label: "spender" });
    await expect.poll(() => server.requests.length).toBe(2);
    await sleep(200);
    open();
    await host.completionsCame(2);
    const of = (label: string) => host.delivered.find((one) => one.label === label)!;
    expect(of("spender")).toMatchObject({ outcome: { status: "ok" }, text: "a lot" });
    expect(of("talker")).toMatchObject({
      outcome: { status: "error", cause: { code: "budget" } },
      text: expect.stringMatching(/^word/) as string,
      budget: { of: "tree", exceeded: "tokens" },
    });
  });

  it("whose tokens are used twice over by answers that none has told the end of stops them all", async () => {
    const { opened, open } = gate();
    const { start, host, server } = await family(
      () => opened.then(() => ({ text: "word ".repeat(4_000), chunkChars: 20, delayMs: 10 })),
      { subagents: { budget: { tokens: 400 } } },
    );
    await Promise.all(["a", "b", "c", "d", "e"].map((task) => start(task)));
    await expect.poll(() => server.requests.length).toBe(5);
    open();
    await host.completionsCame(5);
    for (const completion of host.delivered) {
      expect(completion).toMatchObject({
        outcome: { status: "error", cause: { code: "budget" } },
        budget: { of: "tree", exceeded: "tokens" },
      });
    }
    // 800 by all of them together, and what each has on its way; one by itself would have taken as many.
    const used = Math.max(...host.delivered.map((one) => one.budget!.used.tokens));
    expect(used).toBeGreaterThanOrEqual(800);
    expect(used).toBeLessThan(1_600);
  });

  it("whose tokens are used twice over stops those too that tell nothing of what they do", async () => {
    const { start, host, runtime } = await startRuntime({
      engine: "spends",
      subagents: { budget: { tokens: 300 }, grace: PATIENT },
    });
    const events = collect(runtime.events());
    await start("work in silence");
    // Its thread has it: one that is still to boot may take longer to answer than is waited for its last words.
    await expect.poll(() => events.some(({ type }) => type === "started")).toBe(true);
    await start("spend it at once");
    await host.completionsCame(2);
    for (const completion of host.delivered) {
      expect(completion).toMatchObject({
        outcome: { status: "error", cause: { code: "budget" } },
        text: "as far as it got",
        budget: { of: "tree", exceeded: "tokens" },
      });
    }
  });

  it("ends with its time: what answers, what waits for children and what waits for a slot", async () => {
    const { start, host, runtime } = await family(
      ({ lastUserText, afterToolResult }) => {
        if (!lastUserText.includes("spawn")) return { text: "word ".repeat(4_000), chunkChars: 5, delayMs: 20 };
        if (afterToolResult) return "I wait for it.";
        return { toolCalls: [{ name: "sessions_spawn", args: { task: "talk on" } }] };
      },
      { limits: { maxSpawnDepth: 2, maxConcurrent: 1 }, subagents: { budget: { wallSeconds: 4 } } },
    );
    await start("spawn one");
    await start("talk");
    await expect.poll(() => runtime.stats().runs, { timeout: 3_500 }).toEqual({ queued: 1, running: 1, waiting: 1 });
    // Its requester being over too, the child's comes here as well.
    await host.completionsCame(3);
    for (const completion of host.delivered) {
      expect(completion).toMatchObject({
        outcome: {
          status: "error",
          cause: { code: "budget", message: expect.stringContaining("of 4 seconds") as string },
        },
        budget: { of: "tree", limits: { wallSeconds: 4 }, exceeded: "wallSeconds" },
      });
      expect(completion.budget!.used.wallSeconds).toBeGreaterThanOrEqual(3.9);
    }
    await expect.poll(() => runtime.stats().runs).toEqual({ queued: 0, running: 0, waiting: 0 });
  });

  it("is refused where a gateway runs the subagents, which counts nothing", async () => {
    await expect(startRuntime({ subagents: { runtime: "gateway", budget: { usd: 3 } } })).rejects.toMatchObject({
      code: "capability_missing",
      message: expect.stringContaining("subagents.budget.usd") as string,
    });
  });
});

/** A busy machine's thread may take long over its last words. */
const PATIENT = { abortMs: 20_000 };

function lookup(looked: string[]): HostTool {
  return {
    name: "lookup",
    description: "Looks something up.",
    parameters: { type: "object", properties: {} },
    execute: async (toolCallId) => {
      looked.push(toolCallId);
      return { content: [{ type: "text", text: "found" }] };
    },
  };
}
