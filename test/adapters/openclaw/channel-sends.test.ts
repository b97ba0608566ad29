import { expect, it } from "vitest";

import { ChannelSends } from "../../../src/adapters/openclaw/channel-sends.ts";
import { createLogger } from "../../../src/log.ts";

const CHAT = "agent:main:porch:direct:alice";
const REFUSED = { to: "alice", success: false, error: "nobody opens" };

function sends() {
  const warnings: [fields: object, message: string][] = [];
  const warn = (fields: object, message: string): void => void warnings.push([fields, message]);
  const of = new ChannelSends({ ...createLogger(), warn });
  const noLonger = of.expect(CHAT, { channel: "porch", to: "alice" });
  return { of, noLonger, warnings };
}

it.each([
  ["by whom it was for", { channelId: "porch" }],
  ["by its session", { channelId: "elsewhere", sessionKey: CHAT }],
])("an answer that a channel refused is told of once, known %s", (_how, context) => {
  const { of, warnings } = sends();
  of.sent(REFUSED, context);
  of.sent(REFUSED, context);
  expect(warnings).toEqual([[expect.objectContaining({ sessionKey: CHAT }), expect.stringContaining("nobody opens")]]);
});

it("what went out, and what was for somebody else, is nothing to tell of", () => {
  const { of, warnings } = sends();
  of.sent(REFUSED, { channelId: "elsewhere" });
  of.sent({ ...REFUSED, to: "bob" }, { channelId: "porch" });
  of.sent(REFUSED, { channelId: "porch", sessionKey: "agent:main:other" });
  of.sent({ to: "alice", success: true }, { channelId: "porch" });
  of.sent(REFUSED, { channelId: "porch" });
  expect(warnings).toEqual([]);
});

it("what is sent there once no answer is expected any more isn't taken for one", () => {
  const { of, noLonger, warnings } = sends();
  noLonger();
  of.sent(REFUSED, { channelId: "porch" });
  expect(warnings).toEqual([]);
});

it("a turn's end leaves the next one's answer expected", () => {
  const { of, noLonger, warnings } = sends();
  of.expect(CHAT, { channel: "porch", to: "alice" });
  noLonger();
  of.sent(REFUSED, { channelId: "porch" });
  expect(warnings).toHaveLength(1);
});
