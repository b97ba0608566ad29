import { normalizeContext, Type, type AssistantMessage, type Message } from "@earendil-works/pi-ai";
import { describe, expect, it } from "vitest";

import { streamDemo } from "../../../../src/worker/engines/demo/demo-model.ts";
import { asChild, DEMO_MODEL, turn } from "./run-demo.ts";
import { fsTools } from "./fs-tools.ts";
import { makeTree, TYPESCRIPT_TREE } from "./trees.ts";

const SPAWN = { name: "sessions_spawn", description: "Starts a subagent", parameters: Type.Object({}) };

describe("the demo model's stream", () => {
  it("tells a reply in pieces that add up to it, start first and done last", async () => {
    const { events, message } = await stream([user("Look around")]);
    expect(events[0]?.type).toBe("start");
    expect(events.at(-1)).toMatchObject({ type: "done", reason: "toolUse" });
    const deltas = events.flatMap((event) => (event.type === "text_delta" ? [event.delta] : []));
    expect(deltas.length).toBeGreaterThan(5);
    expect(message.content[0]).toEqual({ type: "text", text: deltas.join("") });
    const calls = events.flatMap((event) => (event.type === "toolcall_end" ? [event.toolCall] : []));
    expect(message.content.slice(1)).toEqual(calls);
    expect(message.stopReason).toBe("toolUse");
  });

  it("says the same for the same messages, ids of calls included, whatever was asked before", async () => {
    const first = await stream([user("Look around")]);
    await stream([user("Something else"), user("in between")]);
    const again = await stream([user("Look around")]);
    expect(again.message.content).toEqual(first.message.content);
  });

  it("estimates its tokens and costs nothing", async () => {
    const { message } = await stream([user("x".repeat(4_000))]);
    const { usage } = message;
    expect(usage.input).toBeGreaterThan(1_000);
    expect(usage.output).toBeGreaterThan(50);
    expect(usage.totalTokens).toBe(usage.input + usage.output);
    expect(usage.cost.total).toBe(0);
  });

  it("stops in the middle when it is aborted, and keeps what it had said", async () => {
    const abort = new AbortController();
    const { events, message } = await stream([user("Look around")], abort.signal, (event) => {
      if (event === "text_delta") abort.abort();
    });
    expect(events.at(-1)).toMatchObject({ type: "error", reason: "aborted" });
    expect(message.stopReason).toBe("aborted");
    const [text] = message.content;
    expect(text?.type === "text" && text.text.length > 0 && text.text.length < 60).toBe(true);
  });

  it("doesn't begin when it is aborted before", async () => {
    const { events } = await stream([user("Look around")], AbortSignal.abort());
    expect(events.map((event) => event.type)).toEqual(["error"]);
  });

  it("goes on from a transcript in which an answer broke off", async () => {
    const abort = new AbortController();
    const cut = await stream([user(asChild("anything"))], abort.signal, () => abort.abort());
    const root = makeTree(TYPESCRIPT_TREE);
    const { answer } = await turn("go on", fsTools(root), [
      user(asChild("Find out what the tests cover.")),
      cut.message,
    ]);
    expect(answer).toContain("1 test file with 2 tests");
  });

  it("never cuts a character in two", async () => {
    const files = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`${"🚲".repeat(n + 1)}.txt`, ""]));
    const { events } = await turn(asChild("anything"), fsTools(makeTree(files)));
    const deltas = events.flatMap((event) =>
      event.type === "message_update" && event.assistantMessageEvent.type === "text_delta"
        ? [event.assistantMessageEvent.delta]
        : [],
    );
    expect(deltas.join("")).toContain("🚲");
    for (const delta of deltas) expect(delta.isWellFormed()).toBe(true);
  });

  it("takes less than half a second for a reply, however long", async () => {
    const files = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`${"long-name-".repeat(20)}${n}.txt`, ""]));
    const { events } = await turn(asChild("anything"), fsTools(makeTree(files)));
    const deltas = events.filter(
      (event) => event.type === "message_update" && event.assistantMessageEvent.type === "text_delta",
    );
    // Each piece waits 7 ms.
    expect(deltas.length).toBeLessThanOrEqual(2 * 40);
  });
});

async function stream(messages: Message[], signal?: AbortSignal, watch: (type: string) => void = () => undefined) {
  const response = await streamDemo(DEMO_MODEL, normalizeContext({ messages, tools: [SPAWN] }), { signal });
  const events = [];
  for await (const event of response) {
    events.push(event);
    watch(event.type);
  }
  const message: AssistantMessage = await response.result();
  return { events, message };
}

function user(content: string): Message {
  return { role: "user", content, timestamp: 0 };
}
