/** A run that a process waited for which is gone: asked for in a reference gateway, and written in a registry. */

import { openRegistry } from "../../src/registry/registry.ts";
import type { NewRun } from "../../src/registry/run-row.ts";
import { keptBy } from "../../src/runtime/gateway-run.ts";
import { LIMITS, newRun } from "../registry/fixtures/rows.ts";
import type { ReferenceGateway } from "./reference-gateway/index.ts";
import { connectAs, newIdentity, openPlainClient, type PlainClient } from "./reference-gateway/plain-client.ts";
import { closeAfterTest, MAIN } from "./runtime-fixture.ts";

/** Somebody else who may do everything there; closed after the test. */
export async function otherClient(gateway: Pick<ReferenceGateway, "url" | "token">): Promise<PlainClient> {
  const client = await openPlainClient(gateway.url);
  await connectAs(client, newIdentity(), { token: gateway.token, scopes: ["operator.admin"] });
  closeAfterTest(() => client.close());
  return client;
}

/** Accepted by the gateway, and then nobody's. @param file of the registry */
export async function leaveRun(
  gateway: Pick<ReferenceGateway, "url" | "token">,
  file: string,
  changes: Partial<NewRun> = {},
): Promise<NewRun> {
  const row = await leaveRow(gateway.url, file, changes);
  const { runId, childSessionKey: sessionKey, requesterSessionKey: spawnedBy } = row;
  const client = await otherClient(gateway);
  await client.call("sessions.patch", { key: sessionKey, spawnedBy });
  const asked = { sessionKey, message: row.task, idempotencyKey: runId, lane: "subagent" };
  const { payload } = await client.call("agent", asked);
  if (payload?.["status"] !== "accepted") throw new Error("the gateway didn't accept the run");
  return row;
}

/** The row alone: the gateway has never heard of the run. */
export async function leaveRow(url: string, file: string, changes: Partial<NewRun> = {}): Promise<NewRun> {
  const row = newRun({ requesterSessionKey: MAIN, transcriptPath: keptBy(url), createdAt: Date.now(), ...changes });
  const left = openRegistry({ file });
  left.claimOwner();
  left.admit(row, LIMITS);
  await left.close();
  return row;
}
