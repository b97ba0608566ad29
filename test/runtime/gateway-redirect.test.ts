import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { openRegistry } from "../../src/registry/registry.ts";
import { keptBy } from "../../src/runtime/gateway-run.ts";
import { connectTo, openGateway } from "../helpers/gateway-fixture.ts";
import { connectAs, newIdentity, openPlainClient } from "../helpers/reference-gateway/plain-client.ts";
import { closeAfterTest, gate, MAIN, tempFolder } from "../helpers/runtime-fixture.ts";
import { scriptGateway } from "../helpers/scripted-gateway.ts";
import { LIMITS, newRun } from "../registry/fixtures/rows.ts";
import { NO_SUCH_PID } from "../registry/support.ts";

describe("a child whose process died while it redirected it", () => {
  it("is followed to its answer to what it was told", async () => {
    const { opened, open } = gate();
    const { gateway, model } = await openGateway(async ({ lastUserText }) =>
      lastUserText.endsWith("go on") ? { silent: true } : (await opened, "done another way"),
    );
    const folder = tempFolder();
    const dead = openRegistry({ file: join(folder, "registry.sqlite"), owner: { pid: NO_SUCH_PID, startTime: "0" } });
    const before = await connectTo(gateway, { registry: dead, identityFile: join(folder, "one.json") });
    await before.start("go on");
    await expect.poll(() => model.requests.length).toBe(1);
    // Its answer never comes.
    await gateway.setFaults({ silent: ["sessions.steer"] });
    void before.runtime.steer("last", "another way", before.requester, { interrupt: true }).catch(() => undefined);
    await expect.poll(() => model.requests.length).toBe(2);
    await gateway.setFaults({});
    const { host } = await connectTo(gateway, { folder });
    open();
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ text: "done another way", outcome: { status: "ok" } }]);
  });

  it.each([
    ["before the gateway was told brings home what it was asked for", "", "done as asked", "ok"],
    ["and whose turn was interrupted for nothing is interrupted", "/stop", "", "interrupted"],
  ])("%s", async (_, told, text, status) => {
    const { opened, open } = gate();
    const { gateway, model } = await openGateway(async () => (await opened, "done as asked"));
    const { folder, dead } = deadRegistry();
    const old = newRun({ requesterSessionKey: MAIN, transcriptPath: keptBy(gateway.url), createdAt: Date.now() });
    const { childSessionKey: key } = old;
    const asker = await openPlainClient(gateway.url);
    await connectAs(asker, newIdentity(), { token: gateway.token!, scopes: ["operator.admin"] });
    await asker.call("sessions.patch", { key, spawnedBy: MAIN });
    await asker.call("agent", { sessionKey: key, message: "a", idempotencyKey: old.runId, lane: "subagent" });
    await expect.poll(() => model.requests.length).toBe(1);
    if (told !== "") await asker.call("sessions.steer", { key, message: told });
    await asker.close();
    dead.admit(old, LIMITS);
    const anew = newRun({ ...old, runId: randomUUID() });
    dead.restart(anew, old.runId);
    const { host } = await connectTo(gateway, { folder });
    open();
    await host.completionsCame(1, 40_000);
    expect(host.delivered).toMatchObject([{ runId: anew.runId, text, outcome: { status } }]);
  });

  it("isn't said to be over because the turn is that was interrupted for it", async () => {
    const { folder, dead } = deadRegistry();
    let answer: string | undefined;
    const gateway = await scriptGateway({
      "sessions.list": ({ ok }) => ok({ sessions: [{ key, status: "timeout", startedAt: 1_000, endedAt: 2_000 }] }),
      "chat.history": ({ ok }) =>
        ok({
          messages: [
            { role: "user", content: "another way" },
            ...(answer === undefined ? [] : [{ role: "assistant", content: answer, stopReason: "stop" }]),
          ],
        }),
      "agent.wait": ({ params: { runId, timeoutMs }, ok }) => {
        if (timeoutMs === 0) return ok({ runId, status: "timeout" });
        answer = "done another way";
        ok({ runId, status: "ok", endedAt: 3_000 });
      },
    });
    const old = newRun({ requesterSessionKey: MAIN, transcriptPath: keptBy(gateway.url), createdAt: Date.now() });
    const key = old.childSessionKey;
    dead.admit(old, LIMITS);
    dead.restart(newRun({ ...old, runId: randomUUID() }), old.runId);
    const { host } = await connectTo(gateway, { folder });
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ text: "done another way", outcome: { status: "ok" } }]);
  });
});

function deadRegistry() {
  const folder = tempFolder();
  const dead = openRegistry({ file: join(folder, "registry.sqlite"), owner: { pid: NO_SUCH_PID, startTime: "0" } });
  closeAfterTest(() => dead.close());
  dead.claimOwner();
  return { folder, dead };
}
