import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { loadConfigFile } from "../../src/config/load.ts";
import { ConfigError } from "../../src/errors.ts";

let dir: string;
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), "oi-config-")));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("reading the file", () => {
  it("takes JSON5 with comments, trailing commas and a byte order mark", async () => {
    const file = await put("openclaw.json", "\uFEFF// mine\n{ subagents: { runtime: 'inprocess', }, }");
    expect(parseConfig(await loadConfigFile(file, { env: {} })).subagents.runtime).toBe("inprocess");
  });

  it.each([
    ["{ a: 1,\n  b: [1, }", /isn't valid JSON5 at line 2, column 10: invalid character '}'/],
    ["", /isn't valid JSON5 at line 1, column 1: invalid end of input/],
    ["[1]", /must hold one object/],
    ['"x"', /must hold one object/],
  ])("says in one sentence what is wrong with %j", async (text, message) => {
    const file = await put("openclaw.json", text);
    const error = await failure(file);
    expect(error).toMatchObject({ code: "config_unreadable" });
    expect(error.message).toMatch(message);
    expect(error.message).toContain(file);
    expect(error.message).not.toContain("\n");
  });

  it("says that a file isn't there, or is a folder", async () => {
    expect((await failure(join(dir, "nope.json"))).message).toMatch(/nope\.json isn't there; check the path/);
    expect((await failure(dir)).message).toMatch(/is a folder; name the file in it/);
    expect((await failure(dir)).code).toBe("config_unreadable");
  });

  it("passes on what the system says of any other trouble", async () => {
    expect((await failure(join(dir, `${"x".repeat(5000)}.json`))).message).toMatch(
      /can't be read: .*too long|isn't there/i,
    );
  });
});

describe("$include", () => {
  it("puts a file in the place of an object, whatever it holds", async () => {
    await put("parts/list.json5", "[{ id: 'a' }, { id: 'b' }]");
    await put("parts/agents.json5", "{ list: { $include: './list.json5' } }");
    const file = await put("openclaw.json", "{ agents: { $include: './parts/agents.json5' } }");
    expect(await load(file)).toMatchObject({ agents: { list: [{ id: "a" }, { id: "b" }] } });
  });

  it("merges several in order, later ones winning, and keys beside it on top", async () => {
    await put("a.json", "{ defaults: { model: 'x/a', workspace: '/a' }, list: [{ id: 'a' }] }");
    await put("b.json", "{ defaults: { model: 'x/b' }, list: [{ id: 'b' }] }");
    const file = await put(
      "openclaw.json",
      "{ agents: { $include: ['a.json', 'b.json'], defaults: { workspace: '/own' } } }",
    );
    expect(await load(file)).toMatchObject({
      agents: { defaults: { model: "x/b", workspace: "/own" }, list: [{ id: "a" }, { id: "b" }] },
    });
  });

  it("may stand in place of the whole config", async () => {
    await put("base.json", "{ subagents: { fallback: false }, channels: { $include: 'nowhere.json' } }");
    const file = await put("openclaw.json", "{ $include: 'base.json', subagents: { runtime: 'gateway' } }");
    await put("nowhere.json", "{}");
    expect(await load(file)).toMatchObject({ subagents: { fallback: false, runtime: "gateway" } });
  });

  it("goes ten levels deep and no further", async () => {
    const nest = async (levels: number) => {
      for (let level = 1; level <= levels; level++) {
        await put(`l${level}.json`, level === levels ? "{ runtime: 'gateway' }" : `{ $include: 'l${level + 1}.json' }`);
      }
      return put("openclaw.json", "{ subagents: { $include: 'l1.json' } }");
    };
    expect(await load(await nest(10))).toMatchObject({ subagents: { runtime: "gateway" } });
    expect((await failure(await nest(11))).message).toMatch(/more than 10 levels deep/);
  });

  it.each([
    ["a circle", { "a.json": "{ $include: 'b.json' }", "b.json": "{ $include: './a.json' }" }, "'a.json'", /circle/],
    ["itself", {}, "'openclaw.json'", /circle/],
    ["a missing file", {}, "'gone.json'", /names "gone.json", which isn't there/],
    ["broken JSON5", { "x.json": "{ a" }, "'x.json'", /x\.json isn't valid JSON5 at line 1/],
    ["a number", {}, "3", /must be a file's name or a list of them/],
    ["an empty list", {}, "[]", /must be a file's name or a list of them/],
    ["a list of other things", {}, "['a.json', 3]", /must be a file's name or a list of them/],
    ["a list with keys beside it", { "x.json": "[]" }, "'x.json', runtime: 'auto'", /must hold an object/],
  ])("refuses %s, naming the place", async (_what, files, include, message) => {
    for (const [name, text] of Object.entries(files)) await put(name, text);
    const error = await failure(await put("openclaw.json", `{ subagents: { $include: ${include} } }`));
    expect(error.code).toBe("config_unreadable");
    expect(error.message).toMatch(message);
    if (!error.message.includes("JSON5")) expect(error.message).toContain("subagents.$include: ");
  });

  it("stays inside the folder of the config, links resolved, unless a root is named", async () => {
    const outside = await put("outside/x.json", "{ runtime: 'gateway' }");
    await put("home/inner/deep.json", "{ $include: '../own.json' }");
    await put("home/own.json", "{ runtime: 'inprocess' }");
    const including = (name: string) =>
      put("home/openclaw.json", `{ subagents: { $include: ${JSON.stringify(name)} } }`);

    expect(await load(await including("inner/deep.json"))).toMatchObject({ subagents: { runtime: "inprocess" } });
    expect(await load(await including(join(dir, "home", "own.json")))).toMatchObject({
      subagents: { runtime: "inprocess" },
    });
    for (const name of ["../outside/x.json", outside]) {
      expect((await failure(await including(name))).message).toMatch(/is outside of .*home; move it there/);
      const env = { OPENCLAW_INCLUDE_ROOTS: dirname(outside) };
      expect(await loadConfigFile(await including(name), { env })).toMatchObject({ subagents: { runtime: "gateway" } });
    }
    if (process.platform !== "win32") {
      await symlink(outside, join(dir, "home", "link.json"));
      expect((await failure(await including("link.json"))).message).toMatch(/is outside of/);
    }
  });

  it("isn't followed in sections we don't use", async () => {
    const file = await put("openclaw.json", "{ channels: { $include: 'gone.json' }, subagents: { runtime: 'auto' } }");
    expect(await load(file)).toMatchObject({ channels: { $include: "gone.json" } });
  });

  it("can't reach a prototype", async () => {
    await put("x.json", '{ "__proto__": { "polluted": true }, "constructor": { "prototype": { "polluted": true } } }');
    const file = await put("openclaw.json", "{ tools: { $include: ['x.json', 'x.json'], deny: [] } }");
    await load(file);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

describe("${VAR}", () => {
  it("is put in anywhere in a text, upper-case names only, with $${VAR} for the literal", async () => {
    const file = await put(
      "openclaw.json",
      "{ agents: { defaults: { workspace: '${ROOT}/w', model: '${P}/${lower}' }, list: [{ id: 'a', name: '$${ROOT} $HOME' }] } }",
    );
    expect(await loadConfigFile(file, { env: { ROOT: "/data", P: "openai", lower: "no" } })).toMatchObject({
      agents: {
        defaults: { workspace: "/data/w", model: "openai/${lower}" },
        list: [{ id: "a", name: "${ROOT} $HOME" }],
      },
    });
  });

  it("is an error in a section of ours when it is missing or empty, every path named", async () => {
    const file = await put(
      "openclaw.json",
      "{ subagents: { engine: '${ENGINE}' }, agents: { list: [{ id: 'a', workspace: '${WS}/x' }] }, gateway: { bind: '${EMPTY}' } }",
    );
    const error = await failure(file, { EMPTY: "" });
    expect(error.code).toBe("config_invalid");
    expect(error.issues.map((issue) => issue.path)).toEqual([
      "subagents.engine",
      "agents.list[0].workspace",
      "gateway.bind",
    ]);
    expect(error.message).toMatch(/subagents\.engine: needs the environment variable ENGINE, which isn't set/);
  });

  it("is left alone where we don't look", async () => {
    const file = await put(
      "openclaw.json",
      "{ channels: { a: '${NOPE}' }, gateway: { auth: { token: '${NOPE}' } }, agents: { defaults: { memorySearch: { remote: { apiKey: '${NOPE}' } } } }, plugins: { entries: { x: { config: { k: '${NOPE}' } } } } }",
    );
    expect(await load(file)).toMatchObject({ channels: { a: "${NOPE}" }, gateway: { auth: { token: "${NOPE}" } } });
  });

  it("waits in a provider until one of its models is used", async () => {
    const file = await put(
      "openclaw.json",
      "{ models: { providers: { a: { baseUrl: '${BASE}/v1', apiKey: '${NOPE}', models: [{ id: '${ID}' }] } } } }",
    );
    expect(await loadConfigFile(file, { env: { BASE: "http://h", ID: "m" } })).toMatchObject({
      models: { providers: { a: { baseUrl: "http://h/v1", apiKey: "${NOPE}", models: [{ id: "m" }] } } },
    });
  });

  it("comes from the process, else a .env beside the config, else the config's env, in included files too", async () => {
    await put(".env", "B=file\nC=file\n");
    await put("sub.json", "{ list: [{ id: 'x', name: '${A}${B}${C}' }] }");
    const file = await put(
      "openclaw.json",
      "{ env: { A: 'config', B: 'config', vars: { C: 'config' }, shellEnv: { enabled: true } }, agents: { $include: 'sub.json' } }",
    );
    const raw = await loadConfigFile(file, { env: { C: "process", B: "" } });
    expect(raw).toMatchObject({ agents: { list: [{ name: "configfileprocess" }] } });
    expect(parseConfig(raw).env).toEqual({ A: "config", B: "file", C: "file" });
  });
});

describe("references to secrets", () => {
  it("are resolved from the environment, and named by path when they can't be", async () => {
    const ref = (source: string, id: string) => JSON.stringify({ source, provider: "default", id });
    const file = await put(
      "openclaw.json",
      `{ agents: { defaults: { model: ${ref("env", "M")}, workspace: ${ref("exec", "vault/ws")}, thinkingDefault: ${ref("env", "T")} } }, skills: { x: ${ref("file", "/a")} } }`,
    );
    const error = await failure(file, { M: "a/b" });
    expect(error.issues.map((issue) => issue.path)).toEqual([
      "agents.defaults.workspace",
      "agents.defaults.thinkingDefault",
    ]);
    expect(error.message).toMatch(/source "exec", id "vault\/ws"/);
    expect(error.message).toMatch(/variable T, which isn't set/);
  });
});

async function put(name: string, text: string): Promise<string> {
  const file = join(dir, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

function load(file: string): Promise<unknown> {
  return loadConfigFile(file, { env: {} });
}

async function failure(file: string, env: Record<string, string> = {}): Promise<ConfigError> {
  const error: unknown = await loadConfigFile(file, { env }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ConfigError) return error;
  throw new Error(`expected a ConfigError, not ${String(error)}`);
}
