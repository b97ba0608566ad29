import { expect, it } from "vitest";

import { connectTo } from "../helpers/gateway-fixture.ts";
import { notOver, scriptGateway, type Asked } from "../helpers/scripted-gateway.ts";

/** More than a connection takes at once. */
const TOO_MUCH = 26 * 1024 * 1024;
const TASK = { role: "user", content: "say much" };
const SHORTENED = { role: "assistant", content: "[too large]", provider: "p", model: "m" };

it("an answer too large for a connection is asked for once, and costs no other child its own", async () => {
  const waits: unknown[] = [];
  let large: unknown;
  let other: unknown;
  const gateway = await scriptGateway({
    agent: ({ params, ok }) => {
      const { message, idempotencyKey: runId } = params;
      if (String(message).includes("say much")) large = runId;
      else other = runId;
      ok({ runId, status: "accepted" });
    },
    "agent.wait": (asked) => {
      const { runId } = asked.params;
      waits.push(runId);
      if (runId === large) asked.ok({ runId, status: "ok", startedAt: Date.now() - 5, endedAt: Date.now() });
      else notOver(asked);
    },
    "chat.history": ({ ok }) => ok({ messages: [TASK, { ...SHORTENED, __openclaw: { truncated: true } }] }),
    "sessions.get": ({ ok, tell }: Asked) => {
      tell("agent", { runId: other, stream: "assistant", data: { delta: "heard twice" } });
      ok({ messages: [TASK, { ...SHORTENED, content: "x".repeat(TOO_MUCH) }] });
    },
  });
  const { start, host, runtime } = await connectTo(gateway);
  const beside = await start("go on");
  const heard: string[] = [];
  void (async () => {
    for await (const event of runtime.events({ text: true })) if (event.type === "text") heard.push(event.text);
  })();
  await start("say much");
  await host.completionsCame(1);
  expect(host.delivered).toMatchObject([{ text: "[too large]", outcome: { status: "ok" } }]);
  expect(gateway.calls.filter(({ method }) => method === "sessions.get")).toHaveLength(1);
  expect(waits.filter((runId) => runId === beside.runId)).toHaveLength(1);
  // Every event comes over the kept connection too.
  expect(heard).toEqual([]);
});
