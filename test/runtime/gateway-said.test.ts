import { describe, expect, it } from "vitest";

import { connectTo, refused } from "../helpers/gateway-fixture.ts";
import { DEVICE_TOKEN, scriptGateway, type Asked } from "../helpers/scripted-gateway.ts";

const KEY = "sk-abcdefghijklmnopqrstuvwxyz012345";
/** The token stands where a text that is shortened first would be cut in two. */
const SAID = `401 Incorrect API key provided: ${KEY}; ${"x".repeat(420)} ${DEVICE_TOKEN} ${"y".repeat(100_000)}`;
const SHOWN = 700;

function ended(end: object) {
  return ({ params, ok }: Asked): void =>
    ok({ runId: params["runId"], startedAt: Date.now() - 5, endedAt: Date.now(), ...end });
}

function expectShown(text: string): void {
  expect(text).toContain("401 Incorrect API key provided: ***");
  expect(text).not.toMatch(/sk-abc|token-of/);
  expect(text.length).toBeLessThan(SHOWN);
}

describe("what a gateway says is shown short and without secrets", () => {
  it.each([
    ["by a failed run", { status: "error", error: SAID }, []],
    [
      "by its model",
      { status: "ok" },
      [
        { role: "user", content: "the task" },
        { role: "assistant", content: [], provider: "p", model: "m", stopReason: "error", errorMessage: SAID },
      ],
    ],
  ])("%s", async (_, end, messages) => {
    const gateway = await scriptGateway({
      "agent.wait": ended(end),
      "chat.history": ({ ok }) => ok({ messages }),
    });
    const { start, host, log } = await connectTo(gateway);
    await start("a");
    await host.completionsCame(1);
    const { status, cause } = host.delivered[0]!.outcome;
    expect(status).toBe("error");
    expectShown(cause!.message);
    expect(log()).not.toMatch(/sk-abc|token-of/);
  });

  it("by a refusal of the connection", async () => {
    const gateway = await scriptGateway({ connect: ({ refuse }) => refuse("INVALID_REQUEST", SAID) });
    const { spawn } = await connectTo({ url: gateway.url, token: DEVICE_TOKEN });
    const { code, error } = refused(await spawn("a"));
    expect(code).toBe("gateway_refused");
    expectShown(error);
  });

  it("by a refusal of a call", async () => {
    const gateway = await scriptGateway({ "sessions.abort": ({ refuse }) => refuse("UNAVAILABLE", SAID) });
    const { start, runtime, requester } = await connectTo(gateway);
    await start("a");
    const killed = await runtime.kill("last", requester);
    expect(killed).toMatchObject({ status: "error", code: "gateway_refused" });
    expectShown((killed as unknown as { error: string }).error);
  });
});
