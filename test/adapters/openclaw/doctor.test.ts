import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

import { examine, type Finding } from "../../../src/adapters/openclaw/doctor.ts";

const OLD = { root: "/opt/openclaw", version: "2026.4.1", sessionsInFiles: true };
const NEW = { root: "/opt/openclaw", version: "2026.9.6", sessionsInFiles: false, runnerMissing: "it has no runner" };
const ID = "openclaw-inprocess";

const dirs: string[] = [];
afterAll(() => dirs.forEach((dir) => rmSync(dir, { recursive: true, force: true })));

describe("a doctor", () => {
  it("finds nothing wrong with an install as onboarding left it", async () => {
    const findings = await look({ tools: { profile: "coding" } });
    expect(findings.filter(({ level }) => level !== "ok")).toEqual([]);
    expect(findings.map(({ about }) => about)).toEqual([
      "host",
      "runtime",
      "runtime",
      "engine",
      "pairing",
      "tools",
      "state",
    ]);
  });

  it("says what the plugin refuses at its start", async () => {
    for (const [settings, text] of [
      [{ isolation: "process" }, /isolation is "process".*The plugin stays off/],
      [{ engine: "/no/such/engine.mjs" }, /no file \/no\/such\/engine\.mjs.*The plugin stays off/],
      [{ runtim: "auto" }, /runtim.*The plugin stays off/],
    ] as const) {
      expect(await problems(own(settings))).toEqual([expect.objectContaining({ text: matching(text) })]);
      const { length } = await look(own(settings));
      expect(length, "nothing is said of what isn't started").toBe(4);
    }
  });

  it("says nothing of that where nothing is started", async () => {
    const settings = { runtime: "gateway", fallback: false, isolation: "process" };
    expect(await problems(own(settings))).toEqual([]);
  });

  it("doesn't take an engine that can't be had for one that works", async () => {
    expect(await problems(own({ engine: "openclaw" }), NEW)).toMatchObject([
      {
        text: matching(/"openclaw", but it has no runner; set it to "auto" or "pi"\. The plugin stays off/),
        fix: [`openclaw config set plugins.entries.${ID}.config.subagents.engine auto`],
      },
    ]);
    expect(await problems(own({ engine: "openclaw" }), OLD)).toEqual([]);
  });
});

describe("a plugin that isn't loaded", () => {
  it.each([
    [{ enabled: false }, "openclaw config set plugins.enabled true"],
    [{ entries: { [ID]: { enabled: false } } }, `openclaw plugins enable ${ID}`],
    [{ deny: ["other", ID] }, `openclaw config set plugins.deny '["other"]'`],
    [{ allow: ["telegram"] }, `openclaw config set plugins.allow '["telegram","${ID}"]'`],
  ])("is a problem with a remedy: %j", async (plugins, fix) => {
    expect(await problems({ plugins })).toMatchObject([
      { about: "settings", text: matching(/core's own path/), fix: [fix] },
    ]);
  });

  it.each([[{ allow: [] }], [{ allow: [ID, "telegram"] }], [{ deny: ["telegram"] }]])(
    "isn't one with %j",
    async (plugins) => {
      expect(await problems({ plugins })).toEqual([]);
    },
  );

  it("is one that isn't installed, unless the plugin itself asks", async () => {
    const stateDir = stateWith();
    const asked = { config: {}, stateDir, openclaw: OLD };
    expect(await examine(asked)).toContainEqual(
      expect.objectContaining({
        level: "problem",
        text: matching(/isn't installed/),
        fix: [`openclaw plugins install ${ID}`],
      }),
    );
    expect((await examine({ ...asked, loaded: true })).some(({ level }) => level === "problem")).toBe(false);
  });

  it.each([
    ["extensions", ID],
    ["extensions", "a-folder-of-another-name"],
    ["npm", "node_modules", ID],
    ["npm", "projects", "some-package", "node_modules", ID],
  ])("isn't one that lies in %s/%s", async (...folders) => {
    expect(await problemsOf({}, stateWith(...folders))).toEqual([]);
  });

  it("isn't one whose folder the configuration names, or the folder above", async () => {
    const elsewhere = stateWith("plugins", ID);
    for (const path of [
      join(elsewhere, "plugins", ID),
      join(elsewhere, "plugins"),
      join(elsewhere, "plugins", ID, MANIFEST),
    ])
      expect(await problemsOf({ plugins: { load: { paths: [path] } } }, stateWith())).toEqual([]);
    const installs = { [ID]: { installPath: join(elsewhere, "plugins", ID) } };
    expect(await problemsOf({ plugins: { installs } }, stateWith())).toEqual([]);
    const other = { plugins: { load: { paths: [join(elsewhere, "nothing")] } } };
    expect(await problemsOf(other, stateWith("extensions", "empty", "deeper"))).toHaveLength(1);
  });
});

describe("a pairing that is too narrow for the core's spawns", () => {
  const pairing = async (subagents: Record<string, unknown>): Promise<Finding> => {
    const stateDir = stateWith("extensions", ID);
    for (const folder of ["identity", "devices"]) mkdirSync(join(stateDir, folder));
    writeFileSync(join(stateDir, "identity", "device.json"), JSON.stringify({ deviceId: "d1" }));
    writeFileSync(join(stateDir, "devices", "paired.json"), JSON.stringify({ d1: { scopes: ["operator.read"] } }));
    const findings = await examine({ config: own(subagents), stateDir, openclaw: OLD });
    return findings.find(({ about }) => about === "pairing")!;
  };

  it.each([[{}], [{ engine: "pi" }], [{ runtime: "gateway" }]])(
    "is a note where spawns run in process: %j",
    async (settings) => {
      expect(await pairing(settings)).toMatchObject({
        level: "note",
        text: matching(/1008/),
        fix: ["openclaw devices list", "openclaw devices approve --latest"],
      });
    },
  );

  it.each([[{ runtime: "gateway", fallback: false }], [{ runtim: "auto" }]])(
    "is a problem where they are left to the core: %j",
    async (settings) => {
      expect(await pairing(settings)).toMatchObject({ level: "problem", text: matching(/1008/) });
    },
  );
});

describe("the tool policy", () => {
  const set = (path: string, ...entries: string[]) => `openclaw config set ${path} '${JSON.stringify(entries)}'`;

  it.each([
    [{}],
    [{ profile: "full" }],
    [{ profile: "coding", alsoAllow: [ID] }],
    [{ profile: "coding", alsoAllow: ["group:plugins"] }],
    [{ profile: "coding", alsoAllow: ["sessions_*_inprocess"] }],
    [{ allow: ["*"] }],
    [{ allow: ["read", "group:sessions", ID] }],
    [{ allow: [ID] }],
    [{ deny: ["browser"] }],
  ])("offers everything with %j", async (tools) => {
    expect(await toolTexts({ tools })).toEqual([matching(/tools \(sessions_spawn_inprocess, …\) are offered$/)]);
  });

  it.each([
    [{ profile: "coding" }, /profile is "coding"; calls of sessions_spawn don't need/, set("tools.alsoAllow", ID)],
    [{ profile: "coding", alsoAllow: ["browser"] }, /profile is "coding"/, set("tools.alsoAllow", "browser", ID)],
    [{ allow: ["read", "group:sessions"] }, /tools\.allow/, set("tools.allow", "read", "group:sessions", ID)],
    [{ deny: [ID] }, /tools\.deny has openclaw-inprocess/, undefined],
    [{ deny: ["group:plugins"] }, /tools\.deny has group:plugins/, undefined],
    [{ allow: ["*"], deny: ["*_inprocess"] }, /tools\.deny has \*_inprocess/, undefined],
    [{ profile: "coding", allow: ["*"] }, /profile is "coding", and tools\.allow leaves it no alsoAllow/, undefined],
  ])("keeps the plugin's own tools back with %j", async (tools, text, fix) => {
    expect(await toolsIn({ tools })).toEqual([
      { level: "ok", about: "tools", text: matching(text), ...(fix !== undefined && { fix: [fix] }) },
    ]);
  });

  it.each([
    [{ profile: "minimal" }, /tools\.profile is "minimal"/],
    [{ profile: "messaging" }, /tools\.profile is "messaging"/],
    [{ deny: ["sessions_spawn"] }, /tools\.deny has sessions_spawn/],
    [{ deny: ["group:sessions"] }, /tools\.deny has group:sessions/],
    [{ deny: ["sessions_*"] }, /tools\.deny has sessions_\*/],
    [{ allow: ["read"] }, /tools\.allow doesn't have it/],
  ])("keeps sessions_spawn itself back with %j", async (tools, setting) => {
    const found = await toolsIn({ tools });
    expect(found[0]).toEqual({
      level: "note",
      about: "tools",
      text: matching(/^sessions_spawn isn't offered to models: /),
    });
    expect(found[0]?.text).toMatch(setting);
    expect(found[1]?.text).not.toContain("don't need them");
  });

  it("is read as the version has it: messaging may spawn on the newer one", async () => {
    expect((await toolTexts({ tools: { profile: "messaging" } }, NEW))[0]).not.toMatch(/^sessions_spawn isn't/);
  });

  it("is an agent's own as well", async () => {
    const list = [
      { id: "main" },
      { id: "Writer", tools: { deny: ["sessions_spawn"] } },
      { id: "clerk", tools: { profile: "minimal", alsoAllow: ["cron"] } },
    ];
    const [spawn, more, kept, ...rest] = await toolsIn({ agents: { list } });
    expect(spawn?.text).toBe(
      `sessions_spawn isn't offered to models of agent "writer": agents.list[1].tools.deny has sessions_spawn`,
    );
    expect(more?.text).toMatch(/models of agent "clerk": agents\.list\[2\]\.tools\.profile is "minimal"/);
    expect(kept?.text).toMatch(/own tools .* models of agent "clerk": agents\.list\[2\]/);
    expect(kept?.fix).toEqual([set("'agents.list[2].tools.alsoAllow'", "cron", ID)]);
    expect(rest).toEqual([]);
    const entries = { main: {}, clerk: { tools: { allow: ["sessions_spawn"] } } };
    const [found] = await toolsIn({ agents: { entries } }, NEW);
    expect(found?.fix).toEqual([set("agents.entries.clerk.tools.allow", "sessions_spawn", ID)]);
  });

  it("keeps back the way in where the core's path is left alone", async () => {
    const [found] = await toolsIn({ tools: { profile: "coding" } }, NEW);
    expect(found).toMatchObject({ level: "note", fix: [set("tools.alsoAllow", ID)] });
    expect(found?.text).not.toContain("don't need them");
  });
});

const MANIFEST = "openclaw.plugin.json";

function look(config: Record<string, unknown>, openclaw: typeof OLD = OLD): Promise<Finding[]> {
  return examine({ config, stateDir: stateWith("extensions", ID), openclaw });
}

async function problems(config: Record<string, unknown>, openclaw: typeof OLD = OLD): Promise<Finding[]> {
  return (await look(config, openclaw)).filter(({ level }) => level === "problem");
}

async function problemsOf(config: Record<string, unknown>, stateDir: string): Promise<Finding[]> {
  return (await examine({ config, stateDir, openclaw: OLD })).filter(({ level }) => level === "problem");
}

async function toolsIn(config: Record<string, unknown>, openclaw: typeof OLD = OLD): Promise<Finding[]> {
  const found = (await look(config, openclaw)).filter(({ about }) => about === "tools");
  return found.filter(({ text }) => !text.startsWith("the system prompt"));
}

async function toolTexts(config: Record<string, unknown>, openclaw: typeof OLD = OLD): Promise<string[]> {
  return (await toolsIn(config, openclaw)).map(({ text }) => text);
}

/** A state folder with the plugin in a folder of it; without one when none is named. */
function stateWith(...folders: string[]): string {
  const stateDir = mkdtempSync(join(tmpdir(), "inprocess-doctor-"));
  dirs.push(stateDir);
  if (folders.length === 0) return stateDir;
  const folder = join(stateDir, ...folders);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, MANIFEST), JSON.stringify({ id: folders.includes("empty") ? "other" : ID }));
  return stateDir;
}

function own(subagents: Record<string, unknown>) {
  return { plugins: { entries: { [ID]: { config: { subagents } } } } };
}

function matching(text: RegExp): string {
  return expect.stringMatching(text) as string;
}
