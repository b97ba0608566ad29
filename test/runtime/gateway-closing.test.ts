import { describe, expect, it } from "vitest";

import { startFallback } from "../helpers/fallback-fixture.ts";
import { connectTo, openGateway } from "../helpers/gateway-fixture.ts";
import { gate } from "../helpers/runtime-fixture.ts";
import { scriptGateway } from "../helpers/scripted-gateway.ts";

describe("a runtime that is closed while a spawn is under way", () => {
  it("ends the child once the gateway has said that it took it", async () => {
    const { gateway, model } = await openGateway(() => ({ silent: true }));
    const { runtime, spawn, host } = await connectTo(gateway);
    await runtime.warm();
    await gateway.setFaults({ slow: { agent: 300 } });
    const spawned = spawn("a");
    await expect.poll(() => model.requests.length).toBe(1);
    await runtime.close();
    expect(await spawned).toMatchObject({ status: "accepted" });
    await expect.poll(() => model.requests[0]!.abandoned).toBe(true);
    expect(host.delivered).toMatchObject([{ outcome: { status: "interrupted" } }]);
    expect(() => runtime.stats()).toThrow(expect.objectContaining({ code: "runtime_closed" }) as Error);
  });

  it("doesn't ask for the run any more, and leaves no session", async () => {
    const { gateway, model } = await openGateway(() => "never");
    const { runtime, spawn } = await connectTo(gateway);
    await runtime.warm();
    await gateway.setFaults({ slow: { "sessions.patch": 300 } });
    const spawned = spawn("a").catch((error: unknown) => error);
    const methods = async () => (await gateway.seen()).calls.map(({ method }) => method);
    await expect.poll(methods).toContain("sessions.patch");
    await runtime.close();
    expect(await spawned).toMatchObject({ code: "runtime_closed" });
    await expect.poll(methods).toContain("sessions.delete");
    expect(await methods()).not.toContain("agent");
    expect(model.requests).toEqual([]);
  });

  it("says which run the gateway may have, when that doesn't answer in time", async () => {
    const { gateway } = await openGateway(() => ({ silent: true }));
    const { runtime, spawn, log } = await connectTo(gateway);
    await gateway.setFaults({ silent: ["agent"] });
    const spawned = spawn("a").catch((error: unknown) => error);
    await expect.poll(async () => (await gateway.seen()).calls.at(-1)?.method).toBe("agent");
    await runtime.close();
    await spawned;
    expect(log()).toContain("may be at work in the gateway");
  });

  it("gives up a handshake that hangs at once, and doesn't call the gateway unusable for that", async () => {
    const connected = gate();
    const gateway = await scriptGateway({ connect: () => connected.open() });
    const { runtime, requester, warnings } = await startFallback(gateway, () => "never", undefined, {
      handshakeMs: 600_000,
      subagents: { grace: { abortMs: 600_000 } },
    });
    const spawned = runtime.spawn({ task: "a" }, requester).catch((error: unknown) => error);
    await connected.opened;
    await runtime.close();
    expect(await spawned).toMatchObject({ code: "runtime_closed" });
    expect(warnings).toEqual([]);
  });
});
