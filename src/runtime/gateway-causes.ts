/** Why a gateway couldn't be reached, or let nobody in: a code, and the sentence that tells the user what to run. */

import { InprocessError, isInprocessError, type ErrorCode } from "../errors.ts";
import { isLoopback } from "../policy/select-runtime.ts";
import { redactText } from "../redact.ts";
import { shownUrl, type GatewayAddress } from "./gateway-address.ts";
import { PROTOCOL, type GatewayError } from "./gateway-frames.ts";

/** Before a connection was open: the gateway has accepted nothing over it. */
export class ConnectCauses {
  readonly #address: GatewayAddress;
  readonly #mode: string;
  readonly #secrets: () => string[];

  /**
   * @param mode `gateway.mode`: from where the certificate's pin was read
   * @param secrets exact values that the sentences must not hold
   */
  constructor(address: GatewayAddress, mode: string, secrets: () => string[]) {
    this.#address = address;
    this.#mode = mode;
    this.#secrets = secrets;
  }

  /** The socket never opened, or broke without a word. */
  unreachable(why: string, cause?: unknown): InprocessError {
    if (cause instanceof Error && UNTRUSTED.has((cause as NodeJS.ErrnoException).code ?? "")) {
      return this.#untrusted(why, cause);
    }
    return this.#error(
      "gateway_unreachable",
      `The gateway at ${this.#where} can't be reached (${why}); see that it runs (\`openclaw gateway status\`) and that the address is right.`,
      cause,
    );
  }

  late(what: string, ms: number): InprocessError {
    return this.#error(
      "gateway_unreachable",
      `The gateway at ${this.#where} ${what} within ${ms} ms; see with \`openclaw gateway status\` whether it hangs.`,
    );
  }

  wrongCertificate(found: string): InprocessError {
    const renewed =
      this.#mode === "remote"
        ? "put the new fingerprint into gateway.remote.tlsFingerprint"
        : "restart this process, which read the gateway's certificate when it began";
    return this.#error(
      "gateway_unreachable",
      `The gateway at ${this.#where} showed another certificate than the pinned one (its SHA-256 is ${found}), so nothing was sent to it; if the certificate was renewed, ${renewed}.`,
    );
  }

  /** No authority vouches for its certificate, and none is pinned. */
  #untrusted(why: string, cause: Error): InprocessError {
    const pin =
      this.#mode === "remote"
        ? "put its SHA-256 into gateway.remote.tlsFingerprint"
        : 'name its file in gateway.tls.certPath if the gateway is on this machine, else set gateway.mode to "remote", with gateway.remote.url and its SHA-256 in gateway.remote.tlsFingerprint';
    return this.#error(
      "gateway_unreachable",
      `The gateway at ${this.#where} showed a certificate that nothing here vouches for (${why}), so nothing was sent to it; if it is the gateway's own, ${pin}.`,
      cause,
    );
  }

  /** What came isn't what the handshake promises. */
  strangeHandshake(): InprocessError {
    return this.#error(
      "gateway_unreachable",
      `What answers at ${this.#where} doesn't greet as a gateway does, so nothing was asked of it; see that the address is that of an OpenClaw gateway of ${VERSIONS}.`,
    );
  }

  otherProtocol(theirs?: number): InprocessError {
    const speaks = theirs === undefined ? "another protocol" : `protocol ${theirs}`;
    return this.#error(
      "gateway_refused",
      `The gateway at ${this.#where} speaks ${speaks}, and this package protocol ${PROTOCOL}, which gateways of ${VERSIONS} speak; inside a newer one, such as 2026.9.6, use the plugin, or set subagents.runtime to "inprocess".`,
    );
  }

  /** The answer to `connect`. @param protocol the one that the answer asks for, if it names one */
  refused(error: GatewayError, protocol?: number): InprocessError {
    const { message, details } = error;
    const code = details?.code ?? "";
    if (code === "PROTOCOL_MISMATCH" || MISMATCH.test(message)) return this.otherProtocol(protocol);
    if (code === "PAIRING_REQUIRED" || error.code === "NOT_PAIRED") {
      return this.pairingRequired(details?.reason, details?.requestId);
    }
    if (code === "AUTH_RATE_LIMITED") {
      return this.#error(
        "gateway_unauthorized",
        `The gateway at ${this.#where} refuses any sign-in for a while, after too many wrong ones; wait a few minutes, then try with the right token or password.`,
      );
    }
    if (code.startsWith("AUTH_")) return this.unauthorized(message);
    if (code === "DEVICE_AUTH_SIGNATURE_EXPIRED") {
      return this.#refusal(`${message}: the clocks of the two machines differ; set them right`);
    }
    return this.#refusal(message);
  }

  /** Closed before `connect` was answered. */
  closed(code: number, reason: string): InprocessError {
    if (code === 1002 && MISMATCH.test(reason)) return this.otherProtocol();
    if (code !== 1008) return this.unreachable(`it closed the connection: ${code}${reason === "" ? "" : ` ${reason}`}`);
    if (/pairing required/i.test(reason)) return this.pairingRequired();
    if (/unauthori[sz]ed|token|password/i.test(reason)) return this.unauthorized(reason);
    return this.#refusal(`closed (1008): ${reason === "" ? "no reason given" : reason}`);
  }

  pairingRequired(reason?: string, requestId?: string): InprocessError {
    const why = PAIRING_REASONS.get(reason ?? "");
    const id = requestId !== undefined && /^[\w-]{1,100}$/.test(requestId) ? requestId : "--latest";
    return this.#error(
      "gateway_pairing_required",
      `The gateway at ${this.#where} wants ${why ?? "this device"} approved first (pairing required); run \`openclaw devices approve ${id}\` on its machine${this.#elsewhere()}.`,
    );
  }

  /** OpenClaw's command asks at loopback: told of another address by `--url`, it would have to be approved there itself. */
  #elsewhere(): string {
    if (isLoopback(new URL(this.#address.url).hostname)) return "";
    return ', which asks at 127.0.0.1: a gateway that doesn\'t listen there (gateway.bind "custom" or "tailnet") must be given gateway.bind "lan" first';
  }

  unauthorized(message: string): InprocessError {
    return this.#error(
      "gateway_unauthorized",
      `The gateway at ${this.#where} refuses the token or password (${message}); give the one that stands in its configuration, \`openclaw config get gateway.auth\` shows which kind.`,
    );
  }

  #refusal(message: string): InprocessError {
    return this.#error(
      "gateway_refused",
      `The gateway at ${this.#where} refuses the connection (${message}); its log says more: \`openclaw logs\`.`,
    );
  }

  get #where(): string {
    return shownUrl(this.#address);
  }

  #error(code: ErrorCode, message: string, cause?: unknown): InprocessError {
    return new InprocessError(code, redactText(message, this.#secrets()), { cause });
  }
}

/** The protocol that a refusal of `connect` asks for instead of ours: `details.expectedProtocol`. @param frame as it came */
export function protocolNamed(frame: string): number | undefined {
  const number = /"expectedProtocol"\s*:\s*(\d{1,4})\b/.exec(frame)?.[1];
  return number === undefined ? undefined : Number(number);
}

/** Whether an error says for certain that the gateway has accepted nothing. */
export function isConnectFailure(error: unknown): error is InprocessError {
  return isInprocessError(error) && CONNECT_CODES.has(error.code);
}

/** A call before the one that starts a run was lost twice, or never answered: no run was accepted. */
export function unaccepted(error: unknown): never {
  if (!isInprocessError(error) || !(error.code === "gateway_lost" || error.code === "gateway_timeout")) {
    throw error;
  }
  const what = error.code === "gateway_lost" ? "The connection to the gateway broke twice" : "The gateway hung";
  const message = `${what} before it was asked for the run: ${error.message}`;
  throw new InprocessError("gateway_unreachable", message, { cause: error });
}

/** A connection that was open broke with calls under way. @param cause what broke it, where this side did */
export function lost(method: string, why: string, cause?: unknown): InprocessError {
  return new InprocessError(
    "gateway_lost",
    `The connection to the gateway broke while ${method} was under way (${why}); whether it took effect isn't known.`,
    { cause },
  );
}

/** Whether a connection was lost to a message larger than one is taken here. */
export function isTooLarge(error: unknown): boolean {
  if (!isInprocessError(error) || error.code !== "gateway_lost" || !(error.cause instanceof Error)) return false;
  return (error.cause as NodeJS.ErrnoException).code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
}

export function tooLate(method: string, ms: number): InprocessError {
  return new InprocessError(
    "gateway_timeout",
    `The gateway didn't answer ${method} within ${ms} ms; it may be busy, and the call may still take effect.`,
  );
}

/** An answer that isn't what the protocol promises. */
export function strange(method: string): InprocessError {
  return new InprocessError(
    "wire_invalid",
    `The gateway's answer to ${method} has an unknown shape; it may be of a version this package doesn't know.`,
  );
}

/** Of OpenClaw, whose gateways speak our protocol. */
const VERSIONS = "2026.4.x";
const MISMATCH = /protocol mismatch/i;
const CONNECT_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "gateway_unreachable",
  "gateway_pairing_required",
  "gateway_unauthorized",
  "gateway_refused",
]);
/** Node's codes for a certificate that no authority known here has signed. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
]);
/** `details.reason` of `PAIRING_REQUIRED`. */
const PAIRING_REASONS: ReadonlyMap<string, string> = new Map([
  ["not-paired", "this device"],
  ["scope-upgrade", "wider scopes for this device"],
  ["role-upgrade", "another role for this device"],
  ["metadata-upgrade", "this device, whose platform has changed,"],
]);
