/** Where the gateway listens and what it wants to see: out of OpenClaw's config and variables, as OpenClaw's own clients do. */

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { BlockList, isIP } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Config, GatewayConfig, Secret } from "../config.ts";
import { expandVariables, unresolvable, type Env } from "../config/env.ts";
import { ConfigError, messageOf } from "../errors.ts";
import { checkAddress, isThisMachine, ownAddresses, type GatewayAddress } from "../runtime/gateway-address.ts";

/**
 * `OPENCLAW_GATEWAY_URL` with nothing but the variables' secrets, and in mode `remote` the pinned certificate; else
 * `gateway.remote` in mode `remote`; else this machine at the address that `gateway.bind` chooses, and
 * `OPENCLAW_GATEWAY_PORT` or `gateway.port`. Secrets are read now, and only those that are needed.
 * @param env over the config's own variables. @default process.env
 * @throws ConfigError naming the path or variable at fault; the secrets aren't in it
 */
export function gatewayAddress(config: Pick<Config, "gateway" | "env">, env: Env = process.env): GatewayAddress {
  const { gateway } = config;
  const look: Look = { gateway, env: { ...config.env, ...setOnes(env) } };
  const given = look.env[URL_VARIABLE]?.trim();
  if (given) {
    const pinned = gateway.mode === "remote" ? remotePin(look) : {};
    return checked({ url: given, ...secrets(look, ["env"], ["env"]), ...pinned }, URL_VARIABLE);
  }
  return gateway.mode === "remote" ? remoteAddress(look) : localAddress(look);
}

type Look = { gateway: GatewayConfig; env: Env };

/** Where a secret is looked for. */
type Place = "env" | "auth" | "remote";

function remoteAddress(look: Look): GatewayAddress {
  const { remote } = look.gateway;
  if (remote.url === undefined) {
    throw fault(
      "gateway.remote.url",
      'is missing and gateway.mode is "remote"; set it to the gateway\'s wss:// address',
    );
  }
  const address = {
    url: resolved("gateway.remote.url", remote.url, look.env),
    ...secrets(look, ["remote", "env", "auth"], ["env", "remote", "auth"]),
    ...remotePin(look),
  };
  return checked(address, "gateway.remote.url");
}

function remotePin({ gateway: { remote }, env }: Look): Pick<GatewayAddress, "tlsFingerprint"> {
  if (remote.tlsFingerprint === undefined) return {};
  return { tlsFingerprint: resolved("gateway.remote.tlsFingerprint", remote.tlsFingerprint, env) };
}

function localAddress(look: Look): GatewayAddress {
  const { auth, tls } = look.gateway;
  const open = auth.mode === "none" || auth.mode === "trusted-proxy";
  const places: Place[] = open ? [] : ["env", "auth", "remote"];
  const pinned = tls.enabled ? certificateFingerprint(look) : undefined;
  const address = {
    url: `${tls.enabled ? "wss" : "ws"}://${listensAt(look)}:${portFrom(look)}`,
    ...secrets(look, auth.mode === "password" ? [] : places, auth.mode === "token" ? [] : places),
    ...(pinned !== undefined && { tlsFingerprint: pinned }),
  };
  return checked(address, "gateway.customBindHost");
}

/** With `lan` and `auto` it listens on loopback too; with the others at one address alone. */
function listensAt({ gateway: { bind, customBindHost } }: Look): string {
  if (bind === "tailnet") return tailnetAddress() ?? LOOPBACK;
  const host = bind === "custom" ? (customBindHost?.trim() ?? "") : "";
  if (host === "" || host === "0.0.0.0" || host === "::") return LOOPBACK;
  if (isThisMachine(host)) return isIP(host) === 6 ? `[${host}]` : host;
  throw fault(
    "gateway.customBindHost",
    `is ${host}, which is no address of this machine, so no gateway of this machine listens there; correct it, or name a gateway elsewhere with gateway.mode "remote" and gateway.remote.url`,
  );
}

/** @internal for tests: the address that OpenClaw takes for Tailscale's, the first in its range; undefined without one */
export function tailnetAddress(addresses = ownAddresses()): string | undefined {
  return addresses.find(
    ({ address, family, internal }) => family === "ipv4" && !internal && tailnet.check(address, "ipv4"),
  )?.address;
}

function portFrom({ gateway, env }: Look): number {
  const given = env[PORT_VARIABLE]?.trim();
  if (!given) return gateway.port;
  const port = /^\d+$/.test(given) ? Number(given) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw fault(PORT_VARIABLE, `must be a port from 1 to 65535, not "${given}"`);
}

/** The first place that has one counts, also when what stands there can't be read: another's secret is never sent instead. */
function secrets(look: Look, token: readonly Place[], password: readonly Place[]): Pick<GatewayAddress, Kind> {
  return { ...secret("token", token, look), ...secret("password", password, look) };
}

type Kind = "token" | "password";

function secret(kind: Kind, places: readonly Place[], { gateway, env }: Look): Partial<Record<Kind, string>> {
  for (const place of places) {
    const given = place === "env" ? env[SECRET_VARIABLES[kind]]?.trim() : gateway[place][kind];
    if (!given) continue;
    return { [kind]: place === "env" ? given : resolved(`gateway.${place}.${kind}`, given, env) };
  }
  return {};
}

function resolved(path: string, value: Secret | undefined, env: Env): string {
  if (typeof value === "object" && value.source !== "env") throw fault(path, unresolvable(value));
  const expanded = expandVariables(typeof value === "object" ? `\${${value.id}}` : (value ?? ""), env);
  if ("text" in expanded) return expanded.text;
  throw fault(path, `needs the environment variable ${expanded.missing}, which isn't set; set it`);
}

/** Of the gateway's own certificate, which nobody has signed; undefined when this process can't see it. */
function certificateFingerprint({ gateway, env }: Look): string | undefined {
  const stateDir = env["OPENCLAW_STATE_DIR"] ?? join(homedir(), ".openclaw");
  const path = gateway.tls.certPath?.replace(/^~(?=[/\\])/, () => homedir());
  try {
    const pem = readFileSync(path ?? join(stateDir, "gateway", "tls", "gateway-cert.pem"));
    return new X509Certificate(pem).fingerprint256;
  } catch (error) {
    if (path === undefined) return undefined;
    throw fault("gateway.tls.certPath", `names ${path}, which can't be read as a certificate`, error);
  }
}

function checked(address: GatewayAddress, source: string): GatewayAddress {
  try {
    checkAddress(address);
    return address;
  } catch (error) {
    throw fault(source, messageOf(error), error);
  }
}

function fault(path: string, message: string, cause?: unknown): ConfigError {
  return new ConfigError([{ path, message }], cause === undefined ? {} : { cause });
}

/** A variable that is empty counts as not set. */
function setOnes(env: Env): Env {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value));
}

const LOOPBACK = "127.0.0.1";
const tailnet = new BlockList();
tailnet.addSubnet("100.64.0.0", 10, "ipv4");
const URL_VARIABLE = "OPENCLAW_GATEWAY_URL";
const PORT_VARIABLE = "OPENCLAW_GATEWAY_PORT";
const SECRET_VARIABLES = { token: "OPENCLAW_GATEWAY_TOKEN", password: "OPENCLAW_GATEWAY_PASSWORD" } as const;
