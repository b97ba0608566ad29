import { expect, it } from "vitest";

import { serveModel, startRuntime, tempFolder } from "../helpers/runtime-fixture.ts";
import { RecordingHost } from "../helpers/recording-host.ts";

it("the name a server gives its model is clipped to 200 characters in the lists of runs", async () => {
  const server = await serveModel(() => ({ raw: `${chunk({ content: "hi" })}${chunk({}, "stop")}data: [DONE]\n\n` }));
  const host = new RecordingHost(tempFolder());
  host.model = server.model;
  const { runtime, requester, start } = await startRuntime({ host });
  await start("work");
  await host.completionsCame(1);
  const [row] = await runtime.list(requester);
  expect(row!.model).toMatch(/M…$/);
  expect(row!.model).toHaveLength(200);
});

function chunk(delta: object, finish_reason: string | null = null): string {
  const body = { id: "x", object: "chat.completion.chunk", created: 1, model: "M".repeat(600_000) };
  return `data: ${JSON.stringify({ ...body, choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
}
