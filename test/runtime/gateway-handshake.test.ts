import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";

import { connectTo, refused } from "../helpers/gateway-fixture.ts";
import { scriptGateway, type Asked } from "../helpers/scripted-gateway.ts";

it("one challenge of a connection is answered, however many come", async () => {
  const gateway = await scriptGateway({ connect: greet() }, { challenges: 51 });
  const { start } = await connectTo(gateway);
  await start("a");
  expect(gateway.calls.filter(({ method }) => method === "connect")).toHaveLength(1);
});

it("a gateway whose ticks are further apart than a timer can wait keeps its connection", async () => {
  const gateway = await scriptGateway({
    connect: greet({ policy: { tickIntervalMs: 2 ** 40 } }),
    "sessions.patch": ({ ok }) => void delay(200).then(() => ok({})),
  });
  const { start } = await connectTo(gateway);
  await start("a");
  expect(gateway.calls.map(({ method }) => method).slice(0, 3)).toEqual(["connect", "sessions.patch", "agent"]);
});

it("a reason for wanting the device approved that isn't known is passed over", async () => {
  for (const reason of ["constructor", "__proto__", "something new"]) {
    const details = { code: "PAIRING_REQUIRED", reason, requestId: "an-id" };
    const gateway = await scriptGateway({ connect: ({ refuse }) => refuse("NOT_PAIRED", "pairing required", details) });
    const { spawn } = await connectTo(gateway);
    expect(refused(await spawn("a")).error).toContain("wants this device approved first (pairing required)");
  }
});

function greet(more: object = {}) {
  return ({ ok }: Asked): void => ok({ type: "hello-ok", protocol: 3, ...more });
}
