/** A run that a process waited for which is gone: asked for in a reference gateway, and written in a registry. */

import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import type { NewRun } from "../../src/registry/run-row.ts";
import { childAddress } from "../../src/runtime/gateway-child-address.ts";
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
  await askFor(gateway, row);
  return row;
}

/** Asks the gateway for a run, and is gone when it is accepted. */
export async function askFor(gateway: Pick<ReferenceGateway, "url" | "token">, row: NewRun): Promise<void> {
  const { runId, childSessionKey: sessionKey, requesterSessionKey: spawnedBy } = row;
  const client = await otherClient(gateway);
  await client.call("sessions.patch", { key: sessionKey, spawnedBy });
  const asked = { sessionKey, message: row.task, idempotencyKey: runId, lane: "subagent" };
  const { payload } = await client.call("agent", asked);
  if (payload?.["status"] !== "accepted") throw new Error("the gateway didn't accept the run");
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

/** What a process leaves that is killed while the gateway is asked for a spawn with this key. */
export async function leaveUnanswered(url: string, file: string, idempotencyKey: string): Promise<NewRun> {
  const left = openRegistry({ file });
  left.claimOwner();
  const row = writeUnanswered(left, url, idempotencyKey);
  await left.close();
  return row;
}

/** Of a process that is asking the gateway at this moment. */
export function writeUnanswered({ intents }: Registry, url: string, idempotencyKey: string): NewRun {
  const address = childAddress("main", { scope: intents.scope, requesterSessionKey: MAIN, idempotencyKey });
  const answer = JSON.stringify({ status: "accepted", ...address, runtime: "gateway" });
  const asked = { requesterSessionKey: MAIN, idempotencyKey, createdAt: Date.now() };
  const row = newRun({ ...asked, ...address, answer, transcriptPath: keptBy(url) });
  intents.write(row.runId, { askedAt: row.createdAt, gateway: url, run: row });
  return row;
}
