/** Where a gateway is, and what it is shown to be let in. */

import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { InprocessError } from "../errors.ts";
import { isLoopback } from "../policy/select-runtime.ts";

export type GatewayAddress = {
  /** `ws://` or `wss://`, without credentials, query or fragment; plain `ws://` only to an address of this machine. */
  url: string;
  /** Sent in the handshake; with neither, the device's own token from an earlier handshake. */
  token?: string;
  password?: string;
  /** SHA-256 of the gateway's certificate, hex; colons, spaces and a leading `sha256` are allowed. Then no CA is asked. */
  tlsFingerprint?: string;
};

/** @throws InprocessError `config_invalid` for an address that can't be used, or would send secrets in the clear */
export function checkAddress(address: GatewayAddress): void {
  const url = URL.canParse(address.url) ? new URL(address.url) : undefined;
  if (url === undefined || (url.protocol !== "ws:" && url.protocol !== "wss:")) {
    throw invalid(
      `The gateway's address ${shownUrl(address)} is no ws:// or wss:// URL; write it like ws://127.0.0.1:18789.`,
    );
  }
  if (address.tlsFingerprint !== undefined) {
    if (url.protocol !== "wss:") {
      throw invalid(`A TLS fingerprint is set for ${shownUrl(address)}, which has no TLS; use wss:// or leave it out.`);
    }
    if (!/^[0-9a-f]{64}$/.test(plainFingerprint(address.tlsFingerprint))) {
      throw invalid(
        "The gateway's TLS fingerprint isn't a SHA-256: it must have 64 hex digits, with or without colons.",
      );
    }
  }
  if (url.protocol === "ws:" && !isThisMachine(url.hostname)) {
    throw invalid(
      `The gateway's address ${shownUrl(address)} would send the token and every task in the clear; use wss://, or an SSH tunnel to a port of this machine.`,
    );
  }
  const more = (["username", "password", "search"] as const).some((part) => url[part] !== "");
  if (more || address.url.includes("#")) {
    throw invalid(
      `The gateway's address ${shownUrl(address)} goes on with credentials, a query or a fragment, which a gateway doesn't take there; leave them out, and set its token or password by itself.`,
    );
  }
}

/**
 * Whether what is sent to this host doesn't leave the machine: loopback, or the address of one of its interfaces.
 * @param host an address, an IPv6 one with or without brackets, or `localhost`
 */
export function isThisMachine(host: string): boolean {
  if (isLoopback(host)) return true;
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  const family = isIP(bare);
  if (family === 0) return false;
  const own = new BlockList();
  for (const each of ownAddresses()) own.addAddress(each.address, each.family);
  return own.check(bare, family === 4 ? "ipv4" : "ipv6");
}

/** Of all interfaces, loopback's too; empty where the system doesn't tell. */
export function ownAddresses(): { address: string; family: "ipv4" | "ipv6"; internal: boolean }[] {
  try {
    return Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .map(({ address, family, internal }) => ({ address, family: family === "IPv4" ? "ipv4" : "ipv6", internal }));
  } catch {
    return [];
  }
}

/** The address as a log or an error may show it: without credentials. */
export function shownUrl({ url }: Pick<GatewayAddress, "url">): string {
  if (!URL.canParse(url)) return "(not a URL)";
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === "/" ? "" : pathname}`;
}

/** Exact values that never stand in a log line or an error. @param deviceToken what the gateway gave this device */
export function secretsOf({ token, password }: GatewayAddress, deviceToken?: string): string[] {
  return [token, password, deviceToken].filter((secret) => secret !== undefined && secret !== "") as string[];
}

/** Lower-case hex, nothing else. */
export function plainFingerprint(fingerprint: string): string {
  return fingerprint
    .trim()
    .replace(/^sha-?256\s*:?/i, "")
    .replace(/[:\s]/g, "")
    .toLowerCase();
}

function invalid(message: string): InprocessError {
  return new InprocessError("config_invalid", message);
}
