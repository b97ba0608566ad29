/** The providers pi-ai knows, as the build wrote them down: read one file at a time, when asked for. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { InprocessError } from "../../errors.ts";
import { providersDir } from "../../package-root.ts";
import type { Cost } from "../../types.ts";

export type CatalogModel = {
  api: string;
  baseUrl: string;
  reasoning: boolean;
  input: string[];
  cost: Cost;
  contextWindow: number;
  maxTokens: number;
  headers?: Record<string, string>;
  compat?: Record<string, unknown>;
  thinkingLevelMap?: Record<string, string | null>;
};

export type CatalogProvider = {
  id: string;
  name: string;
  /** Absent where it depends on the account, or differs between models. */
  baseUrl?: string;
  apis: string[];
  /** Environment variables a key is looked for in, in this order. */
  env: string[];
  models: Record<string, CatalogModel>;
};

/** `models` are ids. */
export type CatalogEntry = { id: string; name: string; env: string[]; models: string[] };

export interface ProviderCatalog {
  /** Every provider, without its models' details. */
  index(): Promise<CatalogEntry[]>;
  provider(id: string): Promise<CatalogProvider | undefined>;
}

/** @param dir the folder the build wrote. @default dist/providers of this package */
export function providerCatalog(dir: string = providersDir()): ProviderCatalog {
  const files = new Map<string, Promise<unknown>>();
  const load = (name: string) => {
    let file = files.get(name);
    if (file === undefined) {
      file = readJson(join(dir, `${name}.json`));
      files.set(name, file);
      file.catch(() => files.delete(name));
    }
    return file;
  };
  const index = () => load("index") as Promise<CatalogEntry[]>;
  return {
    index,
    async provider(id) {
      const known = (await index()).some((entry) => entry.id === id);
      return known ? ((await load(id)) as CatalogProvider) : undefined;
    },
  };
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as unknown;
  } catch (cause) {
    throw new InprocessError(
      "internal",
      `The catalogue of model providers can't be read at ${file}; build or install the package again.`,
      { cause },
    );
  }
}
