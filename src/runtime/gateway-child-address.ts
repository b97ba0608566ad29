/** What a gateway's child is called there: its run and its session. */

import { createHash, randomUUID } from "node:crypto";

export type ChildAddress = { childSessionKey: string; runId: string };

/** The same for the same key: a spawn that is asked again, also by another process, is the same run to the gateway. */
export function childAddress(
  agentId: string,
  requesterSessionKey: string,
  idempotencyKey: string | undefined,
): ChildAddress {
  const session = named("session", requesterSessionKey, idempotencyKey);
  return {
    childSessionKey: `agent:${agentId}:subagent:${session}`,
    runId: runIdOf(requesterSessionKey, idempotencyKey),
  };
}

/** Which run a spawn with this key is to a gateway, whether it was ever asked for or not. */
export function runIdOf(requesterSessionKey: string, idempotencyKey: string | undefined): string {
  return named("run", requesterSessionKey, idempotencyKey);
}

function named(what: string, requesterSessionKey: string, idempotencyKey: string | undefined): string {
  return idempotencyKey === undefined ? randomUUID() : uuidOf(`${what}\n${requesterSessionKey}\n${idempotencyKey}`);
}

/** A name-based UUID, version 8. */
function uuidOf(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}
