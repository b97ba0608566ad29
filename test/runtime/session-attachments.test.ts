import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { openRegistry } from "../../src/registry/registry.ts";
import { SESSION } from "../helpers/kept-sessions.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { serveModel, startRuntime, tempFolder, type Fixture, type FixtureOptions } from "../helpers/runtime-fixture.ts";

const FILE = { name: "note.txt", content: "for the child" };

describe("what a session that stays was given", () => {
  it.each<[string, boolean]>([
    ["not retained", false],
    ["retained", true],
  ])(
    "is there for its follow-ups, and goes when it is ended while idle unless it is retained: %s",
    async (_what, retainOnSessionKeep) => {
      const { start, host, workspaceDir, runtime, requester } = await withSession({ retainOnSessionKeep });
      const run = await start({ ...SESSION, task: "stay", label: "Friend", attachments: [FILE] });
      await host.completionsCame(1);
      await runtime.send({ label: "Friend", message: "more" }, requester);
      await host.completionsCame(2);
      await expect.poll(() => runtime.stats().outbox.pending).toBe(0);
      const path = join(workspaceDir, run.attachments!.relDir, "note.txt");
      expect(existsSync(path)).toBe(true);
      await runtime.kill("Friend", requester);
      if (!retainOnSessionKeep) return expect.poll(() => existsSync(path)).toBe(false);
      await runtime.close();
      expect(existsSync(path)).toBe(true);
    },
  );

  it("goes when it is ended at work, and when its last result could be told of", async () => {
    const { start, host, workspaceDir, runtime, requester } = await withSession();
    host.onDeliver = async () => "busy";
    await start({ ...SESSION, task: "done", label: "Idle", attachments: [FILE] });
    await host.deliveredTimes(1);
    await start({ ...SESSION, task: "endless", label: "Busy", attachments: [FILE] });
    await expect.poll(() => runtime.stats().runs.running).toBe(1);
    expect(foldersIn(workspaceDir)).toHaveLength(2);
    await runtime.kill("Busy", requester);
    await expect.poll(() => foldersIn(workspaceDir)).toHaveLength(1);
    await runtime.kill("Idle", requester);
    host.onDeliver = async () => "delivered";
    runtime.deliverPending(requester.sessionKey);
    await expect.poll(() => foldersIn(workspaceDir)).toEqual([]);
  });

  it("is there after a restart, and goes at the next start when the process died as the session was ended", async () => {
    const first = await withSession();
    const run = await first.start({ ...SESSION, task: "stay", label: "Friend", attachments: [FILE] });
    await first.host.completionsCame(1);
    await expect.poll(() => first.runtime.stats().outbox.pending).toBe(0);
    await first.close();
    const again = { stateDir: first.stateDir, host: first.host };
    const second = await withSession({}, again);
    const sent = await second.runtime.send({ label: "Friend", message: "more" }, second.requester);
    expect(sent).toMatchObject({ status: "accepted" });
    await first.host.completionsCame(2);
    await expect.poll(() => second.runtime.stats().outbox.pending).toBe(0);
    await second.close();
    const path = join(first.workspaceDir, run.attachments!.relDir);
    expect(existsSync(path)).toBe(true);
    const registry = openRegistry({ file: join(first.stateDir, "registry.sqlite") });
    registry.endSessions([run.childSessionKey]);
    await registry.close();
    await withSession({}, again);
    await expect.poll(() => existsSync(path)).toBe(false);
  });
});

/** Archiving is off: what is to go goes without it. */
async function withSession(limits: Record<string, unknown> = {}, options: FixtureOptions = {}): Promise<Fixture> {
  const server = await serveModel(async ({ lastUserText }) => {
    if (lastUserText.includes("endless")) await new Promise(() => undefined);
    return "answer";
  });
  return startRuntime({
    model: server.model,
    limits: { archiveAfterMinutes: 0 },
    config: { tools: { sessions_spawn: { attachments: { enabled: true, ...limits } } } },
    ...options,
    host: options.host ?? new RecordingHost(tempFolder()).bindThreads(),
  });
}

function foldersIn(workspaceDir: string): string[] {
  return readdirSync(join(workspaceDir, ".openclaw", "attachments"));
}
