/**
 * `$include`: a file's value in place of an object, several deep-merged in order, keys beside it on top.
 * Included files stay inside the folder of the main file, or a folder named in OPENCLAW_INCLUDE_ROOTS.
 */

import { realpath } from "node:fs/promises";
import { delimiter, dirname, isAbsolute, relative, resolve } from "node:path";
import { ConfigError } from "../errors.ts";
import { dotted } from "./issues.ts";
import { readJson5 } from "./read-json5.ts";

export type IncludeScope = { roots: string[] };

/** @param file the main file, links resolved */
export async function includeScope(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<IncludeScope> {
  const named = (env["OPENCLAW_INCLUDE_ROOTS"] ?? "").split(delimiter).filter(isAbsolute);
  return { roots: [dirname(file), ...(await Promise.all(named.map((root) => realpath(root).catch(() => root))))] };
}

/**
 * The value with every `$include` in it replaced.
 * @param chain the files being read, main file first, links resolved
 * @throws ConfigError `config_unreadable` naming the place and the file
 */
export async function withIncludes(
  value: unknown,
  path: PropertyKey[],
  chain: string[],
  scope: IncludeScope,
): Promise<unknown> {
  if (Array.isArray(value)) {
    return Promise.all(value.map((item: unknown, index) => withIncludes(item, [...path, index], chain, scope)));
  }
  if (!isPlain(value)) return value;
  const own: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    if (key !== "$include" && !UNSAFE.has(key)) own[key] = await withIncludes(inner, [...path, key], chain, scope);
  }
  if (!Object.hasOwn(value, "$include")) return own;

  const included: unknown[] = [];
  for (const name of namesOf(value["$include"], path)) included.push(await includedFile(name, path, chain, scope));
  const merged = included.reduce((before, next) => merge(before, next));
  if (Object.keys(own).length === 0) return merged;
  if (!isPlain(merged)) throw unusable(path, `has keys beside it, so the included file must hold an object`);
  return merge(merged, own);
}

async function includedFile(name: string, path: PropertyKey[], chain: string[], scope: IncludeScope): Promise<unknown> {
  const wanted = resolve(dirname(chain.at(-1)!), name);
  if (!scope.roots.some((root) => isInside(wanted, root))) throw leaving(name, path, scope);
  const file = await realpath(wanted).catch((cause: unknown) => {
    throw unusable(path, `names "${name}", which isn't there (looked for ${wanted})`, cause);
  });
  if (!scope.roots.some((root) => isInside(file, root))) throw leaving(name, path, scope);
  if (chain.includes(file)) throw unusable(path, `names "${name}", which includes itself in the end; break the circle`);
  if (chain.length > MAX_DEPTH) throw unusable(path, `is nested more than ${MAX_DEPTH} levels deep at "${name}"`);
  return withIncludes(await readJson5(file, `the included file`, MAX_BYTES), path, [...chain, file], scope);
}

/** Objects key by key, lists one after the other, anything else: the later one. */
function merge(before: unknown, next: unknown): unknown {
  if (Array.isArray(before) && Array.isArray(next)) return [...(before as unknown[]), ...(next as unknown[])];
  if (!isPlain(before) || !isPlain(next)) return next;
  const merged = { ...before };
  for (const [key, value] of Object.entries(next)) {
    merged[key] = Object.hasOwn(merged, key) ? merge(merged[key], value) : value;
  }
  return merged;
}

function namesOf(value: unknown, path: PropertyKey[]): string[] {
  const names: unknown[] = Array.isArray(value) ? value : [value];
  if (names.length > 0 && names.every((name) => typeof name === "string" && name !== "" && !name.includes("\0"))) {
    return names as string[];
  }
  throw unusable(path, "must be a file's name or a list of them");
}

function isInside(file: string, root: string): boolean {
  const way = relative(root, file);
  return way !== "" && !isAbsolute(way) && way.split(/[/\\]/)[0] !== "..";
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function leaving(name: string, path: PropertyKey[], { roots }: IncludeScope): ConfigError {
  return unusable(
    path,
    `names "${name}", which is outside of ${roots[0]}; move it there, or add its folder to OPENCLAW_INCLUDE_ROOTS`,
  );
}

function unusable(path: PropertyKey[], message: string, cause?: unknown): ConfigError {
  return new ConfigError([{ path: dotted([...path, "$include"]), message }], { code: "config_unreadable", cause });
}

const MAX_DEPTH = 10;
const MAX_BYTES = 2 * 1024 * 1024;
const UNSAFE = new Set(["__proto__", "constructor", "prototype"]);
