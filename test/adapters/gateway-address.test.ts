import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import { generate } from "selfsigned";
import { afterEach, describe, expect, it } from "vitest";

import { gatewayAddress, tailnetAddress } from "../../src/adapters/gateway-address.ts";
import type { Env } from "../../src/config/env.ts";
import { parseConfig } from "../../src/config.ts";
import { ConfigError } from "../../src/errors.ts";
import type { GatewayAddress } from "../../src/runtime/gateway-address.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe("a gateway of this machine", () => {
  it("is at OpenClaw's port of loopback unless the config or the variable names another", () => {
    expect(address({})).toEqual({ url: "ws://127.0.0.1:18789" });
    expect(address({ port: 19_001 })).toEqual({ url: "ws://127.0.0.1:19001" });
    expect(address({ port: 19_001 }, { OPENCLAW_GATEWAY_PORT: " 19002 " })).toEqual({ url: "ws://127.0.0.1:19002" });
    expect(address({ bind: "lan" })).toEqual({ url: "ws://127.0.0.1:18789" });
  });

  it("is where gateway.customBindHost makes it listen, also in the clear: that never leaves the machine", () => {
    const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    const hosts = own.filter(({ address }) => !address.startsWith("fe80")).map(({ address }) => address);
    for (const host of [...hosts, "127.0.0.2"]) {
      const url = `ws://${host.includes(":") ? `[${host}]` : host}:18789`;
      expect(address({ bind: "custom", customBindHost: host })).toEqual({ url });
      expect(address({ mode: "remote", remote: { url } })).toEqual({ url });
      expect(address({}, { OPENCLAW_GATEWAY_URL: url })).toEqual({ url });
    }
    expect(address({ bind: "custom", customBindHost: "0.0.0.0" }).url).toBe("ws://127.0.0.1:18789");
    expect(problem({ bind: "custom", customBindHost: "198.51.100.7" })).toMatch(
      /^gateway\.customBindHost: is 198\.51\.100\.7, which is no address of this machine/,
    );
  });

  it("is at Tailscale's address with bind tailnet, and at loopback where there is none", () => {
    const lan = { address: "10.0.0.5", family: "ipv4", internal: false } as const;
    const tailscale = [
      { address: "fd7a:115c:a1e0::1", family: "ipv6", internal: false },
      { address: "100.101.102.103", family: "ipv4", internal: false },
    ] as const;
    expect(tailnetAddress([lan, ...tailscale])).toBe("100.101.102.103");
    expect(tailnetAddress([lan, { address: "100.128.0.1", family: "ipv4", internal: false }])).toBeUndefined();
    expect(address({ bind: "tailnet" }).url).toBe(`ws://${tailnetAddress() ?? "127.0.0.1"}:18789`);
  });

  it.each<[object, Env, Partial<GatewayAddress>]>([
    [{ auth: { token: "a" } }, {}, { token: "a" }],
    [{ auth: { token: "a", password: "b" } }, {}, { token: "a", password: "b" }],
    [{ auth: { mode: "token", token: "a", password: "b" } }, {}, { token: "a" }],
    [{ auth: { mode: "password", token: "a", password: "b" } }, {}, { password: "b" }],
    [{ auth: { mode: "none", token: "a", password: { source: "exec", id: "x" } } }, {}, {}],
    [{ auth: { mode: "trusted-proxy", token: "a" } }, { OPENCLAW_GATEWAY_TOKEN: "v" }, {}],
    [
      { auth: { token: "a" } },
      { OPENCLAW_GATEWAY_TOKEN: "v", OPENCLAW_GATEWAY_PASSWORD: "w" },
      { token: "v", password: "w" },
    ],
    [{ auth: { token: "a" } }, { OPENCLAW_GATEWAY_TOKEN: "" }, { token: "a" }],
    [{ auth: { token: "" }, remote: { token: "r", password: "" } }, {}, { token: "r" }],
    [{ auth: { token: "a" }, remote: { token: "r" } }, {}, { token: "a" }],
  ])("is shown the secret that OpenClaw's own clients would show it: %j with %j", (gateway, env, secrets) => {
    expect(address(gateway, env)).toEqual({ url: "ws://127.0.0.1:18789", ...secrets });
  });

  it("pins the certificate that OpenClaw made or the config names", async () => {
    const { cert } = await generate([{ name: "commonName", value: "openclaw-gateway" }]);
    const stateDir = mkdtempSync(join(tmpdir(), "gateway-address-"));
    folders.push(stateDir);
    const certPath = join(stateDir, "cert.pem");
    writeFileSync(certPath, cert);
    const pinned = { url: "wss://127.0.0.1:18789", tlsFingerprint: new X509Certificate(cert).fingerprint256 };
    expect(address({ tls: { enabled: true, certPath } })).toEqual(pinned);
    expect(address({ tls: { enabled: true } }, { OPENCLAW_STATE_DIR: stateDir })).toEqual({ url: pinned.url });
    mkdirSync(join(stateDir, "gateway", "tls"), { recursive: true });
    writeFileSync(join(stateDir, "gateway", "tls", "gateway-cert.pem"), cert);
    expect(address({ tls: { enabled: true } }, { OPENCLAW_STATE_DIR: stateDir })).toEqual(pinned);
    expect(problem({ tls: { enabled: true, certPath: join(stateDir, "none.pem") } })).toMatch(
      /^gateway\.tls\.certPath: names .*none\.pem/,
    );
  });
});

describe("a gateway of another machine", () => {
  const url = "wss://gateway.example:18789";

  it("is where gateway.remote says, and is shown the secrets that are meant for it first", () => {
    const remote = { url, token: "r", tlsFingerprint: "ab:".repeat(31) + "ab" };
    expect(address({ mode: "remote", remote, auth: { token: "a", password: "b" } })).toEqual({
      ...remote,
      password: "b",
    });
    const env = { OPENCLAW_GATEWAY_TOKEN: "v", OPENCLAW_GATEWAY_PASSWORD: "w" };
    expect(address({ mode: "remote", remote: { url, token: "r", password: "p" } }, env)).toEqual({
      url,
      token: "r",
      password: "w",
    });
    expect(address({ mode: "remote", remote: { url }, port: 1 }, env)).toMatchObject({ url, token: "v" });
  });

  it("that a variable names is shown no secret of the config's", () => {
    const gateway = { mode: "remote", remote: { url: "wss://other.example", token: "r" }, auth: { password: "b" } };
    expect(address(gateway, { OPENCLAW_GATEWAY_URL: url })).toEqual({ url });
    expect(address(gateway, { OPENCLAW_GATEWAY_URL: url, OPENCLAW_GATEWAY_TOKEN: "v" })).toEqual({ url, token: "v" });
  });

  it("that a variable names in mode remote must show the pinned certificate; elsewhere none is pinned", () => {
    const tlsFingerprint = "ab:".repeat(31) + "ab";
    const remote = { url: "wss://other.example", tlsFingerprint };
    const env = { OPENCLAW_GATEWAY_URL: url };
    expect(address({ mode: "remote", remote }, env)).toEqual({ url, tlsFingerprint });
    expect(address({ mode: "local", remote }, env)).toEqual({ url });
  });

  it("is never spoken to in the clear", () => {
    expect(problem({ mode: "remote", remote: { url: "ws://10.0.0.5:18789" } })).toMatch(
      /^gateway\.remote\.url: .*wss:/,
    );
    expect(problem({}, { OPENCLAW_GATEWAY_URL: "ws://gateway.example" })).toMatch(/^OPENCLAW_GATEWAY_URL: .*wss:/);
    expect(address({ mode: "remote", remote: { url: "ws://127.0.0.1:19000" } }).url).toBe("ws://127.0.0.1:19000");
  });
});

describe("a secret", () => {
  it("is put in from the variable it names, of the process or else of the config itself", () => {
    const auth = { token: "${GATEWAY_SECRET}", password: { source: "env", provider: "default", id: "OTHER" } };
    const config = parseConfig({ gateway: { auth }, env: { vars: { GATEWAY_SECRET: "inline", OTHER: "other" } } });
    expect(gatewayAddress(config, {})).toMatchObject({ token: "inline", password: "other" });
    expect(gatewayAddress(config, { GATEWAY_SECRET: "set" })).toMatchObject({ token: "set", password: "other" });
  });

  it("that can't be read is named by its path, and nothing is sent in its place", () => {
    const remote = { token: "of another gateway" };
    expect(problem({ auth: { token: "${NOT_SET}" }, remote })).toMatch(/^gateway\.auth\.token: .*NOT_SET/);
    expect(problem({ auth: { token: { source: "exec", id: "vault" } }, remote })).toMatch(
      /^gateway\.auth\.token: .*exec/,
    );
    expect(address({ auth: { token: "${NOT_SET}" } }, { OPENCLAW_GATEWAY_TOKEN: "v" }).token).toBe("v");
  });
});

describe("an address that can't be made out", () => {
  it.each<[string, object, Env]>([
    ["gateway.remote.url", { mode: "remote" }, {}],
    ["gateway.remote.url", { mode: "remote", remote: { url: "gateway.example" } }, {}],
    ["gateway.remote.url", { mode: "remote", remote: { url: "https://gateway.example" } }, {}],
    ["gateway.remote.url", { mode: "remote", remote: { url: "${NOT_SET}" } }, {}],
    ["OPENCLAW_GATEWAY_PORT", {}, { OPENCLAW_GATEWAY_PORT: "70000" }],
    ["OPENCLAW_GATEWAY_PORT", {}, { OPENCLAW_GATEWAY_PORT: "http" }],
    ["gateway.remote.url", { mode: "remote", remote: { url: "wss://a.example", tlsFingerprint: "abc" } }, {}],
    ["gateway.remote.url", { mode: "remote", remote: { url: "wss://a.example/#token=abc" } }, {}],
    ["gateway.customBindHost", { bind: "custom", customBindHost: "gateway.example" }, {}],
  ])("is refused in one sentence that names %s: %j with %j", (path, gateway, env) => {
    expect(problem(gateway, env)).toMatch(new RegExp(`^${path.replaceAll(".", "\\.")}: [^\n]+$`));
  });
});

function address(gateway: object, env: Env = {}): GatewayAddress {
  return gatewayAddress(parseConfig({ gateway }), { OPENCLAW_STATE_DIR: "/nowhere", ...env });
}

function problem(gateway: object, env: Env = {}): string {
  try {
    return `no error: ${address(gateway, env).url}`;
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
}
