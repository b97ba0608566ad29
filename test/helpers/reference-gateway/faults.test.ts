import { describe, expect, test } from "vitest";

import { closeAfterTest, serveModel } from "../runtime-fixture.ts";
import { childKey, connected, EVERYTHING, greeted, MAIN, messageOf, shake, startGateway } from "./fixture.ts";
import { forkReferenceGateway, refusingUrl } from "./index.ts";
import { connectAs, newIdentity, openPlainClient } from "./plain-client.ts";

describe("a fault", () => {
  test("at the handshake is a reset, a silence, a missing challenge, or a close", async () => {
    const gateway = await startGateway({ faults: { handshake: "drop" } });
    await expect(openPlainClient(gateway.url)).rejects.toThrow(/ECONNRESET|hang up/);
    await gateway.setFaults({ handshake: "mute" });
    await expect(openPlainClient(gateway.url, { handshakeTimeout: 200 })).rejects.toThrow(/timed out/);
    await gateway.setFaults({ handshake: "hang" });
    const hanging = await openPlainClient(gateway.url);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(hanging.frames).toEqual([]);
    await hanging.close();
    await gateway.setFaults({ handshake: "unauthorized" });
    expect((await shake(gateway, newIdentity(), {})).error?.details).toMatchObject({ code: "AUTH_TOKEN_MISMATCH" });
    await gateway.setFaults({ handshake: { code: 1008, reason: "policy" } });
    const client = await openPlainClient(gateway.url);
    await expect(connectAs(client, newIdentity(), { token: gateway.token! })).rejects.toThrow("1008 policy");
    await gateway.setFaults({});
    expect(await shake(gateway, newIdentity(), {})).toMatchObject({ ok: true });
  });

  test("of methods is an error, a delay or no answer, and a lost acceptance is one that counts", async () => {
    const model = await serveModel(() => "Done.");
    const { client, gateway } = await connected({ model: model.model });
    await gateway.setFaults({
      refuse: { "sessions.list": { code: "UNAVAILABLE", message: "not now" } },
      slow: { health: 60 },
      silent: ["chat.history"],
    });
    expect(await messageOf(client, "sessions.list", {})).toBe("not now");
    const before = performance.now();
    void client.call("chat.history", { sessionKey: MAIN }).catch(() => undefined);
    await client.call("health", {});
    expect(performance.now() - before).toBeGreaterThan(50);
    expect(client.frames.filter(({ payload }) => payload?.["messages"] !== undefined)).toEqual([]);

    await gateway.setFaults({ loseAcceptance: true });
    const ask = { message: "x", sessionKey: childKey(), idempotencyKey: "lost" };
    await expect(client.call("agent", ask)).rejects.toThrow("1006");
    const again = await greeted(gateway, EVERYTHING);
    expect((await again.call("agent", ask)).payload).toMatchObject({ runId: "lost" });
    expect((await again.call("agent.wait", { runId: "lost" })).payload).toMatchObject({ status: "ok" });
    expect(model.requests).toHaveLength(1);
  });

  test("may be a death right after an acceptance, for a gateway in this process a break with everybody", async () => {
    const { client, gateway } = await connected({ faults: { dieAfterAccept: true } });
    const accepted = await client.call("agent", { message: "x", sessionKey: MAIN, idempotencyKey: "last" });
    expect(accepted.payload).toMatchObject({ status: "accepted" });
    expect((await client.ended).code).toBe(1006);
    await expect(openPlainClient(gateway.url)).rejects.toThrow("ECONNREFUSED");
  });

  test("may be that nothing listens", async () => {
    await expect(openPlainClient(await refusingUrl())).rejects.toThrow("ECONNREFUSED");
    const gateway = await startGateway();
    const client = await greeted(gateway, EVERYTHING);
    await gateway.close();
    expect(await client.ended).toEqual({ code: 1012, reason: "service restart" });
    await expect(openPlainClient(gateway.url)).rejects.toThrow("ECONNREFUSED");
  });
});

describe("a gateway in a process of its own", () => {
  test("does the same, and may die as soon as it has accepted", async () => {
    const model = await serveModel(() => "Done.");
    const gateway = await forkReferenceGateway({ model: model.model });
    closeAfterTest(() => gateway.close());
    const client = await greeted(gateway, EVERYTHING);
    await client.call("agent", { message: "x", sessionKey: childKey(), idempotencyKey: "one" });
    expect((await client.call("agent.wait", { runId: "one" })).payload).toMatchObject({ status: "ok" });
    expect(await gateway.pairing.paired()).toHaveLength(1);
    await expect(gateway.pairing.approve()).rejects.toThrow("unknown requestId");
    expect((await gateway.usage()).rssBytes).toBeGreaterThan(1e7);

    await gateway.setFaults({ dieAfterAccept: true });
    const accepted = await client.call("agent", { message: "x", sessionKey: childKey(), idempotencyKey: "two" });
    expect(accepted.payload).toMatchObject({ runId: "two", status: "accepted" });
    expect((await client.ended).code).toBe(1006);
    expect(await gateway.exited).toBe(1);
    await expect(openPlainClient(gateway.url)).rejects.toThrow("ECONNREFUSED");
  });
});
