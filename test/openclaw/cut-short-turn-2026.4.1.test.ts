/** A requester's turn of which OpenClaw never tells the end: what its child answers comes all the same. */

import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer } from "../helpers/model-server.ts";
import type { RecordedRequest } from "../helpers/model-replies.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { profileWithPlugin } from "./helpers/plugin-profile.ts";
import { asked, callTool, held, startScriptedModel, toldResult } from "./helpers/scripted-model.ts";

describe("a turn that fails over to another model and is then cut short", () => {
  let model: ModelServer;
  let gateway: Gateway;
  const child = held("CHILD-RESULT");

  beforeAll(async () => {
    model = await startScriptedModel([
      [toldResult("CHILD-TASK"), "It came through."],
      [asked("CHILD-TASK"), child.script],
      [(request) => bySecond(request) && request.afterToolResult, { silent: true }],
      [bySecond, callTool("sessions_spawn", { task: "CHILD-TASK", label: "child" })],
      [asked("spawn it"), { status: 401, message: "this key isn't known" }],
    ]);
    const profile = await profileWithPlugin(await installOpenClaw("2026.4.1"), {
      modelBaseUrl: model.baseUrl,
      narrow: true,
      edit: ({ agents, models }) => {
        const { scripted } = (models as { providers: { scripted: { models: { id: string }[] } } }).providers;
        scripted.models.push({ ...scripted.models[0]!, id: SECOND });
        Object.assign(agents.defaults, {
          model: { primary: "scripted/scripted-1", fallbacks: [`scripted/${SECOND}`] },
          timeoutSeconds: 20,
        });
      },
    });
    gateway = await startGateway(profile);
  });

  test("is waited for little longer than a model may be silent, and the result is told once", async () => {
    await expect(gateway.turn("agent:main:main", "spawn it")).rejects.toThrow();
    expect(gateway.log()).toMatch(/\[model-fallback.*next=scripted\/scripted-2/);
    expect(model.requests.filter(asked("CHILD-TASK"))).toHaveLength(1);

    child.release();

    await gateway.waitForLog(/openclaw-inprocess: run delivered/, 150_000);
    expect(model.requests.filter(toldResult("CHILD-TASK"))).toHaveLength(1);
  });
});

/** Not those of the child. */
function bySecond(request: RecordedRequest): boolean {
  return request.body["model"] === SECOND && !asked("CHILD-TASK")(request);
}

const SECOND = "scripted-2";
