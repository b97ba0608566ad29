import { once } from "node:events";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { closeAfterTest, tempFolder } from "../runtime-fixture.ts";
import { EVERYTHING, NO_MODEL, opened, shake, startGateway } from "./fixture.ts";
import { openReferenceGateway, type ReferenceGateway } from "./index.ts";
import { connectAs, newIdentity, openPlainClient, type ConnectClaims, type Frame } from "./plain-client.ts";

const SIGNATURE: [string, string] = ["DEVICE_AUTH_SIGNATURE_INVALID", "device signature invalid"];

describe("the handshake", () => {
  let gateway: ReferenceGateway;
  beforeAll(async () => {
    gateway = await openReferenceGateway({ model: NO_MODEL });
  });
  afterAll(() => gateway.close());

  test("greets a device that has signed the challenge, with a token of its own", async () => {
    const identity = newIdentity();
    const hello = await shake(gateway, identity, {});
    expect(hello.payload).toMatchObject({
      type: "hello-ok",
      protocol: 3,
      auth: { role: "operator", scopes: ["operator.read"] },
      policy: { tickIntervalMs: 30_000 },
    });
    const { deviceToken } = hello.payload!["auth"] as { deviceToken: string };
    expect(await shake(gateway, identity, { token: undefined, deviceToken })).toMatchObject({ ok: true });
  });

  test.each<[string, ConnectClaims, string, string]>([
    ["a wrong token", { token: "wrong" }, "AUTH_TOKEN_MISMATCH", "unauthorized: gateway token mismatch"],
    ["no token", { token: undefined }, "AUTH_TOKEN_MISSING", "unauthorized: gateway token missing"],
    ["a signature for other scopes", { lies: { scopes: ["operator.admin"] } }, ...SIGNATURE],
    ["a signature with another token", { lies: { token: "other" } }, ...SIGNATURE],
    ["a signature of long ago", { lies: { signedAt: 1 } }, "DEVICE_AUTH_SIGNATURE_EXPIRED", "device signature expired"],
    ["another challenge's nonce", { lies: { nonce: "x" } }, "DEVICE_AUTH_NONCE_MISMATCH", "device nonce mismatch"],
    ["a name of its own", { lies: { deviceId: "ab" } }, "DEVICE_AUTH_DEVICE_ID_MISMATCH", "device identity mismatch"],
  ])("refuses %s and closes with 1008", async (_, claims, code, message) => {
    const identity = newIdentity();
    const client = await opened(gateway);
    const answer = await connectAs(client, identity, { token: gateway.token!, ...claims });
    expect(answer).toMatchObject({ ok: false, error: { code: "INVALID_REQUEST", details: { code } } });
    expect(answer.error!.message).toContain(message);
    expect(await client.ended).toEqual({ code: 1008, reason: answer.error!.message });
    expect((await gateway.pairing.paired()).map(({ deviceId }) => deviceId)).not.toContain(identity.id);
  });

  test("refuses whoever speaks before, or otherwise than, the handshake", async () => {
    const early = await opened(gateway);
    expect(await early.call("health", {})).toMatchObject({ ok: false });
    expect(await early.ended).toEqual({ code: 1008, reason: "invalid handshake: first request must be connect" });
    const garbage = await opened(gateway);
    garbage.send("[]");
    expect(await garbage.ended).toEqual({ code: 1008, reason: "invalid request frame" });
    const long = await opened(gateway);
    long.send(" ".repeat(70_000));
    expect((await long.ended).code).toBe(1009);
  });

  test("gives a client without a device no scopes, whatever it asks for", async () => {
    const client = await opened(gateway);
    expect(await connectAs(client, undefined, { token: gateway.token!, scopes: EVERYTHING })).toMatchObject({
      ok: true,
    });
    expect(await client.call("sessions.list", {})).toMatchObject({
      error: { message: "missing scope: operator.read" },
    });
  });

  test("takes a password where that is what it has", async () => {
    const other = await openReferenceGateway({ model: NO_MODEL, auth: { password: "open" } });
    closeAfterTest(() => other.close());
    expect(await shake(other, newIdentity(), { token: undefined, password: "open" })).toMatchObject({ ok: true });
    const refused = await shake(other, newIdentity(), { token: undefined, password: "shut" });
    expect(refused.error?.details).toMatchObject({ code: "AUTH_PASSWORD_MISMATCH" });
  });

  test("speaks TLS with a certificate whose fingerprint it tells", async () => {
    const secure = await openReferenceGateway({ model: NO_MODEL, tls: true });
    closeAfterTest(() => secure.close());
    expect(secure.url).toMatch(/^wss:/);
    const client = await openPlainClient(secure.url, { rejectUnauthorized: false });
    expect(await connectAs(client, newIdentity(), { token: secure.token! })).toMatchObject({ ok: true });
    await client.close();
    await expect(openPlainClient(secure.url)).rejects.toThrow(/self-signed/);
    const socket = connectTls({ port: Number(new URL(secure.url).port), rejectUnauthorized: false });
    await once(socket, "secureConnect");
    expect(socket.getPeerCertificate().fingerprint256).toBe(secure.tlsFingerprint);
    socket.destroy();
  });
});

describe("pairing", () => {
  test("gives a new device what it asks for first, and nothing more until somebody approves", async () => {
    const gateway = await startGateway();
    const identity = newIdentity();
    expect(await shake(gateway, identity, {})).toMatchObject({ ok: true });
    const client = await opened(gateway);
    const refused = await connectAs(client, identity, { token: gateway.token!, scopes: EVERYTHING });
    const [request] = await gateway.pairing.pending();
    expect(refused.error).toEqual({
      code: "NOT_PAIRED",
      message: "pairing required",
      details: { code: "PAIRING_REQUIRED", requestId: request!.requestId, reason: "scope-upgrade" },
    });
    expect(await client.ended).toEqual({ code: 1008, reason: "pairing required" });
    // The same wish is the same request, and what it has stays open to it.
    const again = await shake(gateway, identity, { scopes: EVERYTHING });
    expect(again.error?.details).toMatchObject({ requestId: request!.requestId });
    expect(await shake(gateway, identity, {})).toMatchObject({ ok: true });

    await gateway.pairing.approve();
    expect(await shake(gateway, identity, { scopes: EVERYTHING })).toMatchObject({ ok: true });
    expect(await gateway.pairing.pending()).toEqual([]);
  });

  test("of a device that was narrowed, changed its platform or is unknown is asked for", async () => {
    const gateway = await startGateway();
    const identity = newIdentity();
    expect(await shake(gateway, identity, { scopes: EVERYTHING })).toMatchObject({ ok: true });
    await gateway.pairing.narrow(identity.id, ["operator.read"]);
    expect(reasonOf(await shake(gateway, identity, { scopes: ["operator.write"] }))).toBe("scope-upgrade");
    expect(reasonOf(await shake(gateway, identity, { platform: "win32" }))).toBe("metadata-upgrade");
    await gateway.pairing.silent(false);
    expect(reasonOf(await shake(gateway, newIdentity(), {}))).toBe("not-paired");
    await gateway.pairing.silent(true);
    const proxied = await openPlainClient(gateway.url, { headers: { "x-forwarded-for": "192.0.2.1" } });
    expect(reasonOf(await connectAs(proxied, newIdentity(), { token: gateway.token! }))).toBe("not-paired");
    await proxied.ended;
  });

  test("outlives the gateway", async () => {
    const stateDir = tempFolder();
    const first = await startGateway({ stateDir });
    const identity = newIdentity();
    await shake(first, identity, {});
    await first.close();
    const second = await startGateway({ stateDir });
    expect(await shake(second, identity, {})).toMatchObject({ ok: true });
    expect(reasonOf(await shake(second, identity, { scopes: EVERYTHING }))).toBe("scope-upgrade");
  });
});

function reasonOf({ error }: Frame): unknown {
  return error?.details?.["reason"];
}
