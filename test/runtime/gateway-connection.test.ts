import { createServer } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";

import { parseConfig } from "../../src/config.ts";
import { closeAfterTest, gate } from "../helpers/runtime-fixture.ts";
import { startFallback } from "../helpers/fallback-fixture.ts";
import { connectTo, openGateway, refused } from "../helpers/gateway-fixture.ts";
import { selfSigned } from "../helpers/reference-gateway/certificate.ts";

describe("the connection to a gateway", () => {
  it("is one, kept for everything, and asks at once for all it will ever need", async () => {
    const { gateway } = await openGateway(() => "done");
    const { runtime, start, host, requester } = await connectTo(gateway);
    const runs = await Promise.all([start("a"), start("b"), start("c")]);
    await host.completionsCame(3);
    await runtime.history(runs[0].childSessionKey, requester);
    const { connections, calls } = await gateway.seen();
    expect(connections).toBe(1);
    expect((await gateway.pairing.paired()).map(({ scopes }) => scopes)).toEqual([["operator.admin"]]);
    expect(new Set(calls.map(({ method }) => method))).toEqual(
      new Set(["connect", "sessions.patch", "agent", "agent.wait", "chat.history"]),
    );
  });

  it("isn't opened before it is needed", async () => {
    const { gateway } = await openGateway(() => "done");
    const { runtime } = await connectTo(gateway);
    expect((await gateway.seen()).connections).toBe(0);
    await runtime.warm();
    expect((await gateway.seen()).connections).toBe(1);
  });

  it("is another one for each call, where it is to be as in OpenClaw 2026.4.1", async () => {
    const { gateway } = await openGateway(() => "done");
    const { start, host } = await connectTo(gateway, { connectionPerCall: true });
    await start("a");
    await host.completionsCame(1);
    const { connections, calls } = await gateway.seen();
    const asked = calls.filter(({ method }) => method !== "connect");
    expect(asked.map(({ method }) => method)).toEqual([
      ...["sessions.patch", "sessions.patch", "sessions.patch", "agent", "agent.wait", "chat.history"],
    ]);
    expect(connections).toBe(6);
  });

  it("that breaks is opened again, and a run under way isn't lost with it", async () => {
    const { opened, open } = gate();
    const { gateway } = await openGateway(async () => (await opened, "after all"));
    const { start, host, runtime } = await connectTo(gateway);
    await start("go on");
    await expect.poll(() => runtime.stats().runs.running).toBe(1);
    await gateway.dropConnections();
    await gateway.dropConnections();
    open();
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ text: "after all", outcome: { status: "ok" } }]);
    expect((await gateway.seen()).connections).toBeGreaterThan(1);
  });

  it("works with a password, and later with the device's own token alone", async () => {
    const { gateway } = await openGateway(() => "done", { auth: { password: "a password of a gateway" } });
    const address = { url: gateway.url };
    const first = await connectTo(gateway, { address: { ...address, password: "a password of a gateway" } });
    await first.start("a");
    await first.host.completionsCame(1);
    await first.runtime.close();
    const second = await connectTo(gateway, { folder: first.folder, address });
    await second.start("b");
    await second.host.completionsCame(1);
  });
});

describe("a gateway that lets nobody in", () => {
  it("for want of pairing is named so, with the command that heals it", async () => {
    const { gateway } = await openGateway(() => "never");
    await gateway.pairing.silent(false);
    const { spawn, start, host } = await connectTo(gateway);
    const { code, error } = refused(await spawn("a"));
    expect(code).toBe("gateway_pairing_required");
    const { requestId } = (await gateway.pairing.pending())[0]!;
    expect(error).toContain(`\`openclaw devices approve ${requestId}\``);
    await gateway.pairing.approve(requestId);
    await start("b");
    await host.completionsCame(1);
  });

  it("for narrow scopes is told apart from one that doesn't know the device", async () => {
    const { gateway } = await openGateway(() => "done");
    const first = await connectTo(gateway);
    await first.start("a");
    await first.host.completionsCame(1);
    await first.runtime.close();
    const { deviceId } = (await gateway.pairing.paired())[0]!;
    await gateway.pairing.narrow(deviceId, ["operator.read"]);
    const second = await connectTo(gateway, { folder: first.folder });
    const { code, error } = refused(await second.spawn("b"));
    expect(code).toBe("gateway_pairing_required");
    expect(error).toMatch(/wider scopes for this device approved first.*`openclaw devices approve [\w-]+`/);
    expect(await second.runtime.list(second.requester)).toEqual([]);
  });

  it("for a wrong token says so, and shows no secret in its error or its log", async () => {
    const { gateway } = await openGateway(() => "never");
    const token = "a-token-that-is-wrong-0123456789";
    const { spawn, log } = await connectTo(gateway, { address: { url: gateway.url, token } });
    const result = refused(await spawn("a"));
    expect(result.code).toBe("gateway_unauthorized");
    expect(result.error).toMatch(/refuses the token or password.*openclaw config get gateway\.auth/);
    expect(log() + JSON.stringify(result)).not.toMatch(new RegExp(`${token}|${gateway.token}`));
  });

  it("for its policy says what the gateway said", async () => {
    const { gateway } = await openGateway(() => "never");
    const { spawn } = await connectTo(gateway);
    await gateway.setFaults({ handshake: { code: 1008, reason: "invalid role" } });
    const policy = refused(await spawn("a"));
    expect(policy.code).toBe("gateway_refused");
    expect(policy.error).toContain("invalid role");
    await gateway.setFaults({ handshake: { code: 1008, reason: "pairing required" } });
    expect(refused(await spawn("b"))).toMatchObject({ code: "gateway_pairing_required" });
    await gateway.setFaults({ handshake: { code: 1012, reason: "service restart" } });
    const restarting = refused(await spawn("c"));
    expect(restarting.code).toBe("gateway_unreachable");
    expect(restarting.error).toContain("service restart");
  });

  it("because it hangs, or breaks the connection, or isn't there, can't be reached", async () => {
    const { gateway } = await openGateway(() => "never");
    const { spawn, runtime, requester } = await connectTo(gateway, { timeouts: { connect: 300, handshake: 200 } });
    await gateway.setFaults({ handshake: "hang" });
    const hangs = refused(await spawn("a"));
    expect(hangs).toMatchObject({
      code: "gateway_unreachable",
      error: expect.stringContaining("within 200 ms") as string,
    });
    await gateway.setFaults({ handshake: "mute" });
    expect(refused(await spawn("a"))).toMatchObject({ code: "gateway_unreachable" });
    await gateway.setFaults({ handshake: "drop" });
    expect(refused(await spawn("b"))).toMatchObject({ code: "gateway_unreachable" });
    await gateway.close();
    const gone = refused(await spawn("c"));
    expect(gone.code).toBe("gateway_unreachable");
    expect(gone.error).toMatch(/ECONNREFUSED.*`openclaw gateway status`/);
    expect(await runtime.list(requester)).toEqual([]);
  });

  it("because it speaks another protocol says which, and what to do", async () => {
    const mismatch = (code?: string) => ({
      ok: false,
      error: { code: "INVALID_REQUEST", message: "protocol mismatch", details: { code, expectedProtocol: 4 } },
    });
    const hello = { ok: true, payload: { type: "hello-ok", protocol: 4 } };
    for (const answer of [mismatch("PROTOCOL_MISMATCH"), mismatch(), hello]) {
      const { spawn } = await connectTo({ url: await answering(answer) });
      const { code, error } = refused(await spawn("a"));
      expect(code).toBe("gateway_refused");
      expect(error).toMatch(/speaks protocol 4, and this package protocol 3, .*2026\.4\.x.*"inprocess"/);
    }
  });

  it.each([
    ["an answer of unknown shape", { ok: true, payload: { welcome: true } }],
    ["no answer at all in it", { ok: true }],
    ["another protocol", { ok: true, payload: { type: "hello-ok", protocol: 4 } }],
  ])("because its handshake has %s has certainly taken nothing: the child runs in process", async (_, answer) => {
    const url = await answering(answer);
    const { spawn, runtime, requester } = await connectTo({ url });
    const { code, error } = refused(await spawn("a"));
    expect(code).toMatch(/^gateway_(unreachable|refused)$/);
    expect(error).toContain("2026.4.x");
    expect(await runtime.list(requester)).toEqual([]);
    const both = await startFallback({ url });
    const run = await both.runtime.spawn({ task: "a" }, both.requester);
    expect(run).toMatchObject({ status: "accepted", runtime: "inprocess" });
    await both.host.completionsCame(1);
  });

  it("because its challenge has an unknown shape has certainly taken nothing", async () => {
    const { spawn } = await connectTo({ url: await answering({}, { nonce: 7 }) });
    expect(refused(await spawn("a"))).toMatchObject({
      code: "gateway_unreachable",
      error: expect.stringContaining("doesn't greet as a gateway does") as string,
    });
  });

  it("because something else listens there is said to be no gateway", async () => {
    const server = createServer((_, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closeAfterTest(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
    const { port } = server.address() as AddressInfo;
    const { spawn } = await connectTo({ url: `ws://127.0.0.1:${port}` });
    const { code, error } = refused(await spawn("a"));
    expect(code).toBe("gateway_unreachable");
    expect(error).toContain("404");
  });

  it("doesn't hold a runtime that is closed meanwhile", async () => {
    const { gateway } = await openGateway(() => "never");
    const { spawn, runtime } = await connectTo(gateway);
    await gateway.setFaults({ handshake: "hang" });
    const asked = spawn("a").catch((error: unknown) => error);
    await expect.poll(async () => (await gateway.seen()).connections).toBe(1);
    await runtime.close();
    await asked;
  });
});

describe("TLS", () => {
  it("with a pinned certificate needs no CA, whatever way its fingerprint is written", async () => {
    const { gateway } = await openGateway(() => "done", { tls: true });
    const plain = gateway.tlsFingerprint!.replaceAll(":", "").toLowerCase();
    for (const tlsFingerprint of [gateway.tlsFingerprint!, `sha256:${plain}`]) {
      const address = { url: gateway.url, token: gateway.token!, tlsFingerprint };
      const { start, host, runtime } = await connectTo(gateway, { address });
      await start("a");
      await host.completionsCame(1);
      await runtime.close();
    }
  });

  it("with another certificate than the pinned one sends nothing, and says which it saw", async () => {
    const { gateway } = await openGateway(() => "never", { tls: true });
    const address = { url: gateway.url, token: gateway.token!, tlsFingerprint: "ab".repeat(32) };
    const { spawn } = await connectTo(gateway, { address });
    const { code, error } = refused(await spawn("a"));
    expect(code).toBe("gateway_unreachable");
    expect(error).toMatch(/another certificate than the pinned one.*restart this process, which read/);
    expect(error).toContain(gateway.tlsFingerprint!);
    expect(error).not.toContain("gateway.remote");
    expect((await gateway.seen()).calls).toEqual([]);
  });

  it("with another certificate than the one of gateway.remote names that setting", async () => {
    const { gateway } = await openGateway(() => "never", { tls: true });
    const address = { url: gateway.url, token: gateway.token!, tlsFingerprint: "ab".repeat(32) };
    const { spawn } = await connectTo(gateway, { address, config: remote(gateway.url) });
    expect(refused(await spawn("a")).error).toContain("the new fingerprint into gateway.remote.tlsFingerprint");
  });

  it("with another certificate than the pinned one isn't even asked for a WebSocket", async () => {
    const { key, cert, fingerprint } = await selfSigned();
    const heard: string[] = [];
    const server = createTlsServer({ key, cert }, (socket) => {
      socket.on("data", (data: Buffer) => heard.push(data.toString()));
      socket.on("error", () => undefined);
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const url = `wss://127.0.0.1:${(server.address() as AddressInfo).port}/path-of-a-gateway`;
    const { spawn } = await connectTo({ url }, { address: { url, token: "t", tlsFingerprint: "ab".repeat(32) } });
    const { error } = refused(await spawn("a"));
    // Closed when whoever was connected is gone, with all that came heard.
    await new Promise((closed) => server.close(closed));
    expect(error).toContain(fingerprint);
    expect(error).toContain("nothing was sent");
    expect(heard).toEqual([]);
  });

  it("that never begins can't be reached, and its socket isn't left behind", async () => {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const server = createTcpServer((socket) =>
      socket
        .resume()
        .on("close", () => resolve())
        .on("error", () => undefined),
    );
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    closeAfterTest(() => new Promise<void>((closed) => server.close(() => closed())));
    const url = `wss://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const address = { url, tlsFingerprint: "ab".repeat(32) };
    const { spawn } = await connectTo({ url }, { address, timeouts: { connect: 200 } });
    expect(refused(await spawn("a"))).toMatchObject({
      code: "gateway_unreachable",
      error: expect.stringContaining("within 200 ms") as string,
    });
    await over;
  });

  it("without a pin asks the CAs, who don't know such a certificate: how it is pinned is said", async () => {
    const { gateway } = await openGateway(() => "never", { tls: true });
    const here = refused(await (await connectTo(gateway)).spawn("a"));
    expect(here.code).toBe("gateway_unreachable");
    expect(here.error).toMatch(/nothing here vouches for .*gateway\.tls\.certPath .*gateway\.remote\.tlsFingerprint/);
    const elsewhere = await connectTo(gateway, { config: remote(gateway.url) });
    const { error } = refused(await elsewhere.spawn("a"));
    expect(error).toMatch(/nothing here vouches for .*put its SHA-256 into gateway\.remote\.tlsFingerprint/);
    expect((await gateway.seen()).calls).toEqual([]);
  });
});

it.each([
  ["http://127.0.0.1:1", /no ws:\/\/ or wss:\/\//],
  ["nonsense", /not a URL/],
  ["ws://user:hunter2-hunter2@gateway.example:1", /in the clear/],
  ["wss://user:hunter2-hunter2@gateway.example:1", /credentials, a query or a fragment/],
  ["wss://gateway.example/?token=hunter2", /credentials, a query or a fragment/],
  ["ws://127.0.0.1:1/#token=hunter2", /credentials, a query or a fragment/],
  ["ws://127.0.0.1:1/#", /credentials, a query or a fragment/],
])("an address that can't be used is refused at once: %s", async (url, why) => {
  const made = connectTo({ url });
  await expect(made).rejects.toMatchObject({ code: "config_invalid", message: expect.stringMatching(why) as string });
  await expect(made).rejects.not.toMatchObject({ message: expect.stringContaining("hunter2") as string });
});

it.each([
  ["ws://127.0.0.1:1", "ab".repeat(32), /has no TLS/],
  ["wss://127.0.0.1:1", "ab:cd", /isn't a SHA-256/],
])("a fingerprint that can't be used is refused at once", async (url, tlsFingerprint, why) => {
  const made = connectTo({ url }, { address: { url, tlsFingerprint } });
  await expect(made).rejects.toMatchObject({ code: "config_invalid", message: expect.stringMatching(why) as string });
});

function remote(url: string) {
  return parseConfig({ gateway: { mode: "remote", remote: { url } } });
}

/** The URL of what challenges whoever connects, and answers their `connect` with this. */
async function answering(answer: object, challenge: object = { nonce: "a nonce" }): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (socket) => {
    socket.send(JSON.stringify({ type: "event", event: "connect.challenge", payload: challenge }));
    socket.on("message", (data: Buffer) => {
      const { id } = JSON.parse(data.toString()) as { id: string };
      socket.send(JSON.stringify({ type: "res", id, ...answer }));
    });
  });
  await new Promise<void>((resolve) => server.once("listening", resolve));
  closeAfterTest(async () => {
    for (const client of server.clients) client.terminate();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
