import { existsSync, mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

import { createLogger } from "../../src/log.ts";
import { takeBack } from "../../src/runtime/preparations.ts";
import { tempFolder } from "../helpers/runtime-fixture.ts";

it("what preparations left is taken back last first, and one that can't be keeps none of the others", async () => {
  const outer = join(tempFolder(), "outer");
  const inner = join(outer, "inner");
  mkdirSync(inner, { recursive: true });
  const warnings: string[] = [];
  const logger = { ...createLogger(), warn: (_fields: object, text: string) => void warnings.push(text) };
  const removing = (path: string) => async () => rmdirSync(path);
  await takeBack([removing(outer), removing(join(outer, "never made")), removing(inner)], logger);
  expect(existsSync(outer)).toBe(false);
  expect(warnings).toEqual([expect.stringMatching(/refused spawn left behind.*ENOENT/)]);
});
