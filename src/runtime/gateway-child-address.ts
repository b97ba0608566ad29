/** What a gateway's child is called there: its run and its session. */

import { createHash, randomUUID } from "node:crypto";

export type ChildAddress = { childSessionKey: string; runId: string };

/** Who asks for it. `scope`: of the registry that the spawn is written in; other registries' keys are other spawns. */
export type SpawnName = { scope: string; requesterSessionKey: string; idempotencyKey: string };

/**
 * The same for the same name: a spawn that is asked again, also by another process, is the same run to the gateway.
 * @param name undefined for a spawn that nobody can ask for again
 */
export function childAddress(agentId: string, name: SpawnName | undefined): ChildAddress {
  const session = name === undefined ? randomUUID() : uuidOf("session", name);
  const runId = name === undefined ? randomUUID() : runIdOf(name);
  return { childSessionKey: `agent:${agentId}:subagent:${session}`, runId };
}

/** Which run a spawn of this name is to a gateway, whether it was ever asked for or not. */
export function runIdOf(name: SpawnName): string {
  return uuidOf("run", name);
}

/** A name-based UUID, version 8. */
function uuidOf(what: string, { scope, requesterSessionKey, idempotencyKey }: SpawnName): string {
  const name = [what, scope, requesterSessionKey, idempotencyKey].join("\n");
  const hex = createHash("sha256").update(name).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}
