/** The state of issue #59702: the gateway host's own device is paired with fewer scopes than spawning needs. */

import { expect } from "vitest";

import type { CommandResult } from "./command.ts";
import type { Gateway } from "./gateway.ts";

/**
 * Makes the device narrow the way a user does, unknowingly: `gateway status` is the first to connect, and the device is
 * paired silently with what that needs. The gateway must be running and not have paired the device yet.
 */
export async function breakPairing(gateway: Pick<Gateway, "cli" | "devices">): Promise<void> {
  await gateway.cli("gateway", "status");
  const { paired, pending } = await gateway.devices();
  expect(paired.map(({ scopes }) => scopes)).toEqual([["operator.read"]]);
  expect(pending).toEqual([]);
}

/** Approves what was asked for last, as the user must: the device has had a wider request refused before. */
export async function healPairing(gateway: Pick<Gateway, "cli">): Promise<CommandResult> {
  return gateway.cli("devices", "approve", "--latest");
}
