/** What a gateway makes of a `connect`: a greeting with scopes, or an error and a close, in OpenClaw 2026.4.1's order and words. */

import { createHash, timingSafeEqual } from "node:crypto";

import { deviceFault } from "./device-signature.ts";
import type { PairingStore } from "./pairing-store.ts";
import type { PairedDevice, ReferenceGatewayOptions } from "./types.ts";
import { connectParams, issuesOf, PROTOCOL, type ConnectParams, type ErrorShape } from "./wire.ts";

export type Verdict =
  | { ok: true; scopes: string[]; role: string; device?: PairedDevice }
  | { ok: false; error: ErrorShape; close: { code: number; reason: string } };

export type HandshakeContext = {
  nonce: string;
  auth: NonNullable<ReferenceGatewayOptions["auth"]>;
  pairing: PairingStore;
  /** Neither a proxy nor a browser stands between. */
  local: boolean;
  /** Every token is wrong. */
  unauthorized: boolean;
};

export function judge(raw: unknown, context: HandshakeContext): Verdict {
  const parsed = connectParams.safeParse(raw);
  if (!parsed.success) return refuse(`invalid connect params: ${issuesOf(parsed.error)}`);
  const params = parsed.data;
  if (params.minProtocol > PROTOCOL || params.maxProtocol < PROTOCOL) {
    return refuse("protocol mismatch", { details: { expectedProtocol: PROTOCOL } }, 1002);
  }
  const role = params.role ?? "operator";
  if (role !== "operator") return refuse("invalid role");
  const { device } = params;
  const fault = device && deviceFault(device, params, context.nonce);
  if (fault) return refuse(fault.message, { details: { code: fault.code, reason: fault.reason } });
  if (device === undefined && params.auth?.token === undefined && params.auth?.password === undefined) {
    return refuse("device identity required", { code: "NOT_PAIRED", details: { code: "DEVICE_IDENTITY_REQUIRED" } });
  }
  const unauthorized = authFault(params, context);
  if (unauthorized !== undefined) return unauthorized;
  // Without a device nothing that was asked for is bound to anybody.
  if (device === undefined) return { ok: true, scopes: [], role };

  const scopes = params.scopes ?? [];
  const claim = { deviceId: device.id, publicKey: device.publicKey, platform: params.client.platform, scopes };
  const admitted = context.pairing.admit(claim, context.local);
  if ("device" in admitted) return { ok: true, scopes, role, device: admitted.device };
  const details = { code: "PAIRING_REQUIRED", requestId: admitted.requestId, reason: admitted.refused };
  return refuse("pairing required", { code: "NOT_PAIRED", details });
}

function authFault(params: ConnectParams, { auth, pairing, unauthorized }: HandshakeContext): Verdict | undefined {
  const kind = "token" in auth ? "token" : "password";
  const expected = "token" in auth ? auth.token : auth.password;
  const given = params.auth?.[kind];
  if (!unauthorized && given !== undefined && same(given, expected)) return undefined;
  const deviceToken = params.device && pairing.tokenOf(params.device.id);
  const shown = params.auth?.deviceToken ?? params.auth?.token;
  if (!unauthorized && deviceToken !== undefined && shown !== undefined && same(shown, deviceToken)) return undefined;

  const fault = given === undefined ? "missing" : "mismatch";
  const canRetryWithDeviceToken = kind === "token" && fault === "mismatch" && params.device !== undefined;
  const otherwise = fault === "missing" ? "update_auth_configuration" : "update_auth_credentials";
  return refuse(`unauthorized: gateway ${kind} ${fault} (provide gateway auth ${kind})`, {
    details: {
      code: `AUTH_${kind.toUpperCase()}_${fault.toUpperCase()}`,
      authReason: `${kind}_${fault}`,
      canRetryWithDeviceToken,
      recommendedNextStep: canRetryWithDeviceToken ? "retry_with_device_token" : otherwise,
    },
  });
}

/** Takes as long for a wrong secret as for the right one. */
function same(given: string, expected: string): boolean {
  const [one, other] = [given, expected].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(one!, other!);
}

function refuse(message: string, error: Partial<ErrorShape> = {}, code = 1008): Verdict {
  // A close frame has no room for more.
  const reason = Buffer.from(message).subarray(0, 120).toString();
  return { ok: false, error: { code: "INVALID_REQUEST", message, ...error }, close: { code, reason } };
}
