/** What a device says of itself when it connects, and what it signs. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../package-root.ts";
import type { GatewayAddress } from "./gateway-address.ts";
import { PROTOCOL } from "./gateway-frames.ts";
import type { DeviceIdentity } from "./gateway-identity.ts";

/** Parameters of `connect`. @param nonce from `connect.challenge` */
export function connectParams(address: GatewayAddress, identity: DeviceIdentity, nonce: string): object {
  const { token, password } = address;
  const own = token === undefined && password === undefined ? identity.tokenFor(address.url) : undefined;
  const shared = token ?? own;
  const signedAt = Date.now();
  const signed = ["v3", identity.deviceId, CLIENT.id, CLIENT.mode, ROLE, SCOPES.join(","), String(signedAt)];
  // The last field is the device's family, which a process has none of.
  const signature = identity.sign([...signed, shared ?? "", nonce, process.platform.toLowerCase(), ""].join("|"));
  return {
    minProtocol: PROTOCOL,
    maxProtocol: PROTOCOL,
    client: { ...CLIENT, displayName: "openclaw-inprocess", version: version(), platform: process.platform },
    role: ROLE,
    scopes: SCOPES,
    caps: [],
    ...(shared === undefined && password === undefined
      ? {}
      : {
          auth: {
            ...(shared === undefined ? {} : { token: shared }),
            ...(own === undefined ? {} : { deviceToken: own }),
            ...(password === undefined ? {} : { password }),
          },
        }),
    device: { id: identity.deviceId, publicKey: identity.publicKey, signature, signedAt, nonce },
  };
}

function version(): string {
  return (packageVersion ??= (
    JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { version: string }
  ).version);
}

let packageVersion: string | undefined;

/** One of the ids and modes that a gateway knows; this pair is its own for programs. */
const CLIENT = { id: "gateway-client", mode: "backend" };
const ROLE = "operator";
/**
 * All that is ever asked for, in one piece: `sessions.patch` and `sessions.delete` need it and it carries the rest.
 * A device paired with less would need a second approval later, which is how spawning breaks.
 */
const SCOPES = ["operator.admin"];
