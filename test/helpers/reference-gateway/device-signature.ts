/** Who a device says it is, and whether it has signed this very connection: Ed25519 over the protocol's text of version 3. */

import { createHash, createPublicKey, verify } from "node:crypto";

import type { ConnectParams } from "./wire.ts";

export type DeviceFault = { code: string; reason: string; message: string };

type Device = NonNullable<ConnectParams["device"]>;

/** The first thing wrong, in the order in which the gateway looks; undefined when the device is who it says. */
export function deviceFault(device: Device, params: ConnectParams, nonce: string): DeviceFault | undefined {
  const key = rawKey(device.publicKey);
  if (key === undefined || deviceId(key) !== device.id) return FAULTS.identity;
  if (Math.abs(Date.now() - device.signedAt) > SKEW_MS) return FAULTS.stale;
  if (device.nonce.trim() === "") return FAULTS.noNonce;
  if (device.nonce.trim() !== nonce) return FAULTS.otherNonce;
  return isSigned(key, signedText(device, params, nonce), device.signature) ? undefined : FAULTS.signature;
}

/** What the device has signed: every claim of the connection, so that none can be changed on the way. */
function signedText(device: Device, { client, role, scopes, auth }: ConnectParams, nonce: string): string {
  return [
    "v3",
    device.id,
    client.id,
    client.mode,
    role ?? "operator",
    (scopes ?? []).join(","),
    String(device.signedAt),
    auth?.token ?? auth?.deviceToken ?? auth?.bootstrapToken ?? "",
    nonce,
    client.platform.trim().toLowerCase(),
    (client.deviceFamily ?? "").trim().toLowerCase(),
  ].join("|");
}

function isSigned(key: Buffer, text: string, signature: string): boolean {
  try {
    const publicKey = createPublicKey({ key: Buffer.concat([SPKI_OF_ED25519, key]), format: "der", type: "spki" });
    return verify(null, Buffer.from(text), publicKey, Buffer.from(signature, "base64url"));
  } catch {
    return false;
  }
}

function rawKey(publicKey: string): Buffer | undefined {
  const key = Buffer.from(publicKey, "base64url");
  return key.length === KEY_BYTES ? key : undefined;
}

function deviceId(key: Buffer): string {
  return createHash("sha256").update(key).digest("hex");
}

const FAULTS = {
  identity: fault("DEVICE_ID_MISMATCH", "device-id-mismatch", "device identity mismatch"),
  stale: fault("SIGNATURE_EXPIRED", "device-signature-stale", "device signature expired"),
  noNonce: fault("NONCE_REQUIRED", "device-nonce-missing", "device nonce required"),
  otherNonce: fault("NONCE_MISMATCH", "device-nonce-mismatch", "device nonce mismatch"),
  signature: fault("SIGNATURE_INVALID", "device-signature", "device signature invalid"),
};

function fault(code: string, reason: string, message: string): DeviceFault {
  return { code: `DEVICE_AUTH_${code}`, reason, message };
}

const SKEW_MS = 120_000;
const KEY_BYTES = 32;
/** The ASN.1 that stands before a raw Ed25519 key (RFC 8410). */
const SPKI_OF_ED25519 = Buffer.from("302a300506032b6570032100", "hex");
