/** An OpenClaw config file: JSON5 with `$include`, `${VAR}` and references to secrets. */

import { readFile, realpath } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { ConfigError, type ConfigIssue } from "../errors.ts";
import { expandKnown, expandVariables, isSecretRef, unresolvable, type Env } from "./env.ts";
import { includeScope, withIncludes } from "./include.ts";
import { dotted } from "./issues.ts";
import { readJson5 } from "./read-json5.ts";
import { PLUGIN_ID } from "./schema.ts";

/**
 * Reads a config file for `parseConfig`. What we don't use stays as it was written: an include that isn't there or a
 * variable that isn't set does no harm in it. Providers (`models.providers`) and what a gateway wants of a client keep
 * the variables that aren't set and their references to secrets until they are used, so that a key is only missed where
 * it is needed.
 * Variables come from `env`, else a `.env` file beside the config, else the config's own `env`.
 * @throws ConfigError `config_unreadable`: the file or an included one can't be read or parsed ·
 *   `config_invalid`: a variable or secret of a section we use is missing, every path named
 */
export async function loadConfigFile(path: string, options: { env?: Env } = {}): Promise<unknown> {
  const env = options.env ?? process.env;
  const file = resolve(path);
  const raw = await readJson5(file, "the config file");
  if (!isPlain(raw)) {
    const message = `The config file ${file} must hold one object ({ … })`;
    throw new ConfigError([{ path: "", message }], { code: "config_unreadable" });
  }
  const real = await realpath(file);
  const whole = await includedWhereUsed(raw, real, env);
  const inline = { ...inlineEnv(whole["env"]), ...(await dotEnv(join(dirname(real), ".env"))) };
  const issues: ConfigIssue[] = [];
  const expanded = expand(whole, [], { ...inline, ...setOnes(env) }, issues);
  if (issues.length > 0) throw new ConfigError(issues);
  return { ...(expanded as object), env: { vars: inline } };
}

async function includedWhereUsed(
  raw: Record<string, unknown>,
  file: string,
  env: Env,
): Promise<Record<string, unknown>> {
  const scope = await includeScope(file, env);
  const left = Object.entries(raw).filter(([key]) => !SECTIONS.has(key) && key !== "$include");
  const used = Object.entries(raw).filter(([key]) => SECTIONS.has(key) || key === "$include");
  const whole = await withIncludes(Object.fromEntries(used), [], [file], scope);
  if (isPlain(whole)) return { ...whole, ...Object.fromEntries(left) };
  const message = "the file included in place of the whole config must hold an object";
  throw new ConfigError([{ path: "$include", message }], { code: "config_unreadable" });
}

function expand(value: unknown, path: PropertyKey[], env: Env, issues: ConfigIssue[]): unknown {
  const use = useOf(path);
  if (use === "none") return value;
  if (typeof value === "string")
    return use === "later" ? expandKnown(value, env) : expandText(value, path, env, issues);
  if (Array.isArray(value)) return value.map((item: unknown, index) => expand(item, [...path, index], env, issues));
  if (!isPlain(value)) return value;
  if (use === "now" && isSecretRef(value)) {
    if (value.source === "env") return expandText(`\${${value.id}}`, path, env, issues);
    issues.push({ path: dotted(path), message: unresolvable(value) });
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, expand(inner, [...path, key], env, issues)]),
  );
}

function expandText(text: string, path: PropertyKey[], env: Env, issues: ConfigIssue[]): string {
  const expanded = expandVariables(text, env);
  if ("text" in expanded) return expanded.text;
  issues.push({
    path: dotted(path),
    message: `needs the environment variable ${expanded.missing}, which isn't set; set it, or write $\${${expanded.missing}} for the literal text`,
  });
  return text;
}

/** `now`: a missing variable is an error · `later`: when used · `none`: not ours · `on`: the way to one that is. */
function useOf(path: readonly PropertyKey[]): "now" | "later" | "none" | "on" {
  let found: "none" | "on" = "none";
  for (const { at, use } of USED) {
    const shared = Math.min(at.length, path.length);
    if (!at.slice(0, shared).every((part, index) => part === "*" || part === path[index])) continue;
    if (path.length >= at.length) return use;
    found = "on";
  }
  return found;
}

/** A `.env` file's variables; none when there is no such file. */
async function dotEnv(file: string): Promise<Record<string, string>> {
  const text = await readFile(file, "utf8").catch(() => "");
  return setOnes(parseEnv(text));
}

function inlineEnv(env: unknown): Record<string, string> {
  if (!isPlain(env)) return {};
  return setOnes({ ...env, ...(isPlain(env["vars"]) ? env["vars"] : {}) });
}

function setOnes(env: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => !!entry[1] && typeof entry[1] === "string"),
  );
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const AGENT_KEYS = ["id", "name", "default", "model", "models", "workspace", "thinkingDefault", "subagents", "tools"];

const USED: { at: string[]; use: "now" | "later" }[] = [
  { at: ["subagents"], use: "now" },
  { at: ["plugins", "entries", PLUGIN_ID, "config"], use: "now" },
  ...["mode", "bind", "customBindHost", "port", "tls"].map((key) => ({ at: ["gateway", key], use: "now" as const })),
  { at: ["gateway", "auth", "mode"], use: "now" },
  ...["token", "password"].map((key) => ({ at: ["gateway", "auth", key], use: "later" as const })),
  { at: ["gateway", "remote"], use: "later" },
  ...AGENT_KEYS.flatMap((key) => [
    { at: ["agents", "defaults", key], use: "now" as const },
    { at: ["agents", "list", "*", key], use: "now" as const },
    { at: ["agents", "entries", "*", key], use: "now" as const },
  ]),
  { at: ["models", "mode"], use: "now" },
  { at: ["models", "providers"], use: "later" },
  ...["allow", "alsoAllow", "deny", "profile", "exec", "subagents"].map((key) => ({
    at: ["tools", key],
    use: "now" as const,
  })),
];

/** Top-level keys we look into. */
const SECTIONS = new Set([...USED.map(({ at }) => at[0]!), "env"]);
