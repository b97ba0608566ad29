import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

import { readPairing } from "../../../src/adapters/openclaw/pairing.ts";

const dirs: string[] = [];
afterAll(() => dirs.forEach((dir) => rmSync(dir, { recursive: true, force: true })));

describe("the pairing of this machine's device", () => {
  it("is open as long as nobody is paired", async () => {
    expect(await readPairing(stateWith({}))).toEqual({ state: "open" });
    expect(await readPairing(stateWith({ identity: { deviceId: "d1" } }))).toEqual({ state: "open" });
    const other = { identity: { deviceId: "d1" }, paired: { d2: { scopes: ["operator.read"] } } };
    expect(await readPairing(stateWith(other))).toEqual({ state: "open" });
  });

  it("is narrow without operator.admin, and enough with it", async () => {
    const paired = (scopes: string[]) => stateWith({ identity: { deviceId: "d1" }, paired: { d1: { scopes } } });
    expect(await readPairing(paired(["operator.read", "operator.write"]))).toEqual({
      state: "narrow",
      scopes: ["operator.read", "operator.write"],
      missing: ["operator.admin"],
    });
    expect(await readPairing(paired(["operator.admin"]))).toMatchObject({ state: "enough" });
  });

  it("goes by what was approved when both stand there", async () => {
    const device = { scopes: ["operator.admin"], approvedScopes: ["operator.read"] };
    expect(await readPairing(stateWith({ identity: { deviceId: "d1" }, paired: { d1: device } }))).toMatchObject({
      state: "narrow",
    });
  });

  it("isn't certain when a file can't be read", async () => {
    expect(await readPairing(stateWith({ identity: "{", paired: {} }))).toMatchObject({ state: "unknown" });
  });
});

function stateWith({ identity, paired }: { identity?: unknown; paired?: unknown }): string {
  const dir = mkdtempSync(join(tmpdir(), "pairing-"));
  dirs.push(dir);
  for (const [path, value] of [
    [["identity", "device.json"], identity],
    [["devices", "paired.json"], paired],
  ] as const) {
    if (value === undefined) continue;
    mkdirSync(join(dir, path[0]), { recursive: true });
    writeFileSync(join(dir, ...path), typeof value === "string" ? value : JSON.stringify(value));
  }
  return dir;
}
