/** Errors on the wire. `structuredClone` keeps the message of an Error but loses its class and code. */

import { InprocessError, isErrorCode, isInprocessError, messageOf, type ErrorCode } from "../errors.ts";

export type WireError = { code: ErrorCode; message: string };

export function toWireError(error: unknown, fallback: ErrorCode = "internal"): WireError {
  if (isInprocessError(error)) return { code: error.code, message: error.message };
  return { code: fallback, message: messageOf(error) };
}

export function fromWireError(wire: WireError): InprocessError {
  return new InprocessError(isErrorCode(wire.code) ? wire.code : "internal", wire.message);
}
