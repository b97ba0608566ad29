import { describe, expect, it } from "vitest";

import type { Host, SessionView } from "../../src/host.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { MAIN, startRuntime, tempFolder } from "../helpers/runtime-fixture.ts";

const OPS = "agent:ops:main";

describe("a message to a label", () => {
  it("goes to the session that is called exactly so before a child whose label begins so, at work or ended", async () => {
    const { start, send, sent, runtime, requester } = await withSessions({ sessionKey: OPS, label: "Ops" });
    const child = await start({ task: "waits", label: "Ops review" });
    const toHost = { status: "accepted", sessionKey: OPS, delivery: { mode: "host" } };
    expect(await send("Ops")).toMatchObject(toHost);
    const toChild = { status: "accepted", sessionKey: child.childSessionKey, delivery: { mode: "inject" } };
    expect(await send("Ops r")).toMatchObject(toChild);
    await runtime.kill(child.runId, requester);
    expect(await send(" Ops ")).toMatchObject(toHost);
    expect(await send("Ops r")).toMatchObject({ status: "error", code: "capability_missing" });
    expect(sent).toEqual([OPS, OPS]);
  });

  it("goes to a child that is called so while it is at work, then to a session of the host's", async () => {
    const { start, send, sent, runtime, requester } = await withSessions({ sessionKey: OPS, label: "Ops" });
    const { runId, childSessionKey } = await start({ task: "waits", label: "Ops" });
    expect(await send("Ops")).toMatchObject({ sessionKey: childSessionKey, delivery: { mode: "inject" } });
    expect(await send("Ops", "ops")).toMatchObject({ sessionKey: OPS });
    await runtime.kill(runId, requester);
    expect(await send("Ops")).toMatchObject({ sessionKey: OPS, delivery: { mode: "host" } });
    expect(sent).toEqual([OPS, OPS]);
  });

  it("isn't taken for a number in the list, and names those it could mean", async () => {
    const { start, send } = await withSessions();
    await start({ task: "waits", label: "first" });
    await start({ task: "waits", label: "1" });
    await start({ task: "waits", label: "1" });
    expect(await send("1")).toMatchObject({
      status: "error",
      code: "ambiguous",
      error: expect.stringMatching(/^1 could be any of 1 \(.+\), 1 \(.+\); give the run id\.$/) as string,
    });
  });

  it("isn't brought by the host to the sender itself, nor to a child that has ended", async () => {
    const { start, send, sent, others, settled } = await withSessions({ sessionKey: MAIN, label: "Me" });
    expect(await send("Me")).toMatchObject({ status: "error", code: "not_found" });
    const { runId, childSessionKey } = await start({ task: "echo", label: "Over" });
    await settled(runId);
    others.push({ sessionKey: childSessionKey, agentId: "main", label: "Over" });
    expect(await send("Over")).toMatchObject({ status: "error", code: "capability_missing" });
    expect(sent).toEqual([]);
  });
});

/** A host with sessions of its own beside the sender's, each of which takes what it is sent. */
async function withSessions(...sessions: Pick<SessionView, "sessionKey" | "label">[]) {
  const host: RecordingHost & Pick<Host, "sendTo" | "listSessions"> = new RecordingHost(tempFolder());
  const others: SessionView[] = sessions.map((session) => ({ ...session, agentId: session.sessionKey.split(":")[1]! }));
  const sent: string[] = [];
  host.sendTo = async (sessionKey) => {
    sent.push(sessionKey);
    return {};
  };
  host.listSessions = async ({ agentId }) => others.filter((one) => agentId === undefined || one.agentId === agentId);
  const fixture = await startRuntime({ engine: "by-task", host });
  const send = (label: string, agentId?: string) =>
    fixture.runtime.send(
      { label, message: "hello", timeoutSeconds: 0, ...(agentId === undefined ? {} : { agentId }) },
      fixture.requester,
    );
  return { ...fixture, send, sent, others };
}
