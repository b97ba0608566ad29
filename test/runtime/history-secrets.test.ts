import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { KnownSecrets } from "../../src/runtime/known-secrets.ts";
import type { ResolvedModel } from "../../src/types.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { serveModel, startRuntime, tempFolder, type Accepted, type Fixture } from "../helpers/runtime-fixture.ts";

const MODEL: ResolvedModel = {
  ...new RecordingHost("").model,
  apiKey: "plain-key-of-the-first",
  headers: { "x-gateway-auth": "word-of-a-header", Authorization: "Custom half-of-a-header", "x-title": "My own app" },
  env: { CLOUD_SECRET: "secret-of-a-variable", CLOUD_REGION: "region-of-a-cloud" },
  fallbacks: [{ ...new RecordingHost("").model, id: "second", apiKey: "plain-key-of-a-fallback" }],
};
const SECRET = [
  "plain-key-of-the-first",
  "word-of-a-header",
  "half-of-a-header",
  "secret-of-a-variable",
  "plain-key-of-a-fallback",
];
const HARMLESS = ["My own app", "region-of-a-cloud"];
const SAYS = `echo ${[...SECRET, ...HARMLESS].join(" and ")}`;
const SHOWN = `echo ${[...SECRET.map(() => "***"), ...HARMLESS].join(" and ")}`;

describe("the keys a run's models are called with, its fallbacks and headers among them", () => {
  it("are taken out of its history while it is at work", async () => {
    const fixture = await startRuntime({ engine: "by-task", model: MODEL });
    const run = await fixture.start(SAYS.replace("echo", "waits"));
    await expect.poll(() => said(fixture, run)).toContain(SHOWN.replace("echo", "waits"));
  });

  it("are taken out when it has settled", async () => {
    const fixture = await startRuntime({ engine: "by-task", model: MODEL });
    const run = await fixture.start(SAYS);
    await fixture.settled(run.runId);
    expect(await said(fixture, run)).toContain(SHOWN);
  });

  it("are taken out of what another run says", async () => {
    const fixture = await startRuntime({ engine: "by-task", model: MODEL });
    await fixture.settled((await fixture.start("echo")).runId);
    fixture.host.model = { ...MODEL, apiKey: "quite-another-key", headers: {}, env: {}, fallbacks: [] };
    const run = await fixture.start(`${SAYS} and quite-another-key`);
    await fixture.settled(run.runId);
    expect(await said(fixture, run)).toContain(`${SHOWN} and ***`);
  });

  it("are taken out after a restart, when the host still knows them", async () => {
    const { again, run } = await restarted(() => undefined);
    expect(await said(again, run)).toContain(SHOWN);
    const asked = again.host.resolved.length;
    expect(await said(again, run)).toContain(SHOWN);
    expect(again.host.resolved).toHaveLength(asked);
  });

  it("keep nobody from the history after a restart, when the host knows them no more or doesn't answer", async () => {
    for (const onResolve of [() => Promise.reject(new Error("no such model")), () => new Promise<never>(() => {})]) {
      const { again, run } = await restarted((host) => (host.onResolve = onResolve));
      expect(await said(again, run)).toContain(SAYS);
      await again.close();
    }
  });

  it("are taken out when they were renewed in the midst of the run", async () => {
    const renewed = "the-renewed-key-of-it";
    const server = await serveModel(({ headers }) =>
      JSON.stringify(headers).includes(renewed) ? `it is ${renewed}` : { status: 401, message: "bad key" },
    );
    const fixture = await startRuntime({ model: server.model });
    fixture.host.onResolve = async (_ref, { refresh }) =>
      refresh ? { ...server.model, apiKey: renewed } : server.model;
    const run = await fixture.start("say it");
    expect((await fixture.settled(run.runId)).text).toBe(`it is ${renewed}`);
    expect(await said(fixture, run)).toContain("it is ***");
  });
});

describe("the secrets that are remembered", () => {
  it("are those handed out last, and no more than so many", () => {
    const secrets = new KnownSecrets(2);
    for (const apiKey of ["first", "second", "first", "third"]) secrets.add({ ...model(), apiKey }, "main");
    expect(secrets.all()).toEqual(["first", "third"]);
  });

  it("are known by the model's name and agent", () => {
    const secrets = new KnownSecrets();
    secrets.add(model(), "main");
    expect(secrets.has("fixture/none", "main")).toBe(true);
    expect(secrets.has("fixture/none", "other")).toBe(false);
    expect(secrets.has("fixture/other", "main")).toBe(false);
  });

  it.each([
    ["x-api-key", "short-one", true],
    ["Ocp-Apim-Subscription-Key", "short-one", true],
    ["cf-access-client-secret", "short-one", true],
    ["x-account", "9f86d081884c7d659a2feaa0c55ad015", true],
    ["user-agent", "tool/1.10.3", false],
    ["anthropic-version", "2023-06-01", false],
    ["x-region", "eu-central-1", false],
    ["http-referer", "https://app.example", false],
  ])("are of headers such as %s: %s (%s)", (name, value, secret) => {
    const secrets = new KnownSecrets();
    secrets.add({ ...model(), headers: { [name]: value } }, "main");
    expect(secrets.all().includes(value)).toBe(secret);
  });
});

/** A run that has settled, and another process's runtime on the same state. */
async function restarted(change: (host: RecordingHost) => unknown): Promise<{ again: Fixture; run: Accepted }> {
  const stateDir = join(tempFolder(), "state");
  const before = await startRuntime({ engine: "by-task", model: MODEL, stateDir });
  const run = await before.start(SAYS);
  await before.settled(run.runId);
  await before.close();
  const again = await startRuntime({ engine: "by-task", model: MODEL, stateDir });
  change(again.host);
  return { again, run };
}

async function said({ runtime, requester }: Fixture, run: Accepted): Promise<string> {
  const { messages } = await runtime.history(run.childSessionKey, requester);
  const texts = messages.flatMap(({ content }) => content.map((block) => (block.type === "text" ? block.text : "")));
  return texts.join("\n");
}

function model(): ResolvedModel {
  const { apiKey: _none, ...plain } = new RecordingHost("").model;
  return plain;
}
