import { execFile } from "node:child_process";
import { createHash, createPublicKey, verify } from "node:crypto";
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

import { InprocessError } from "../../src/errors.ts";
import { deviceIdentity } from "../../src/runtime/gateway-identity.ts";
import { tempFolder } from "../helpers/runtime-fixture.ts";

it("a device is made once, and signs as the one it was", () => {
  const file = join(tempFolder(), "identity", "device.json");
  const made = deviceIdentity(file);
  const again = deviceIdentity(file);
  expect([again.deviceId, again.publicKey]).toEqual([made.deviceId, made.publicKey]);
  const raw = Buffer.from(made.publicKey, "base64url");
  expect(raw).toHaveLength(32);
  expect(made.deviceId).toBe(createHash("sha256").update(raw).digest("hex"));
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: made.publicKey }, format: "jwk" });
  const signature = Buffer.from(again.sign("what is signed"), "base64url");
  expect(verify(null, Buffer.from("what is signed"), key, signature)).toBe(true);
});

it.skipIf(process.platform === "win32")(
  "its file is private, in a private folder, and made so again when it isn't",
  async () => {
    const folder = join(tempFolder(), "identity");
    const file = join(folder, "device.json");
    deviceIdentity(file).keepToken("ws://a", "token of a device");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const { chmodSync } = await import("node:fs");
    chmodSync(file, 0o644);
    deviceIdentity(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  },
);

it("processes that start at once get the same device, and leave nothing beside it", async () => {
  const folder = join(tempFolder(), "identity");
  const file = join(folder, "device.json");
  const module = pathToFileURL(join(import.meta.dirname, "..", "..", "src", "runtime", "gateway-identity.ts")).href;
  const at = Date.now() + 1500;
  const script = `
    import { deviceIdentity } from ${JSON.stringify(module)};
    while (Date.now() < ${at});
    console.log(deviceIdentity(${JSON.stringify(file)}).deviceId);`;
  const run = promisify(execFile);
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", script];
  const ids = await Promise.all([1, 2, 3].map(async () => (await run(process.execPath, args)).stdout.trim()));
  expect(new Set(ids)).toEqual(new Set([deviceIdentity(file).deviceId]));
  expect(readdirSync(folder)).toEqual(["device.json"]);
});

it("keeps the token of each gateway, and forgets one that it was told to", () => {
  const file = join(tempFolder(), "device.json");
  const first = deviceIdentity(file);
  first.keepToken("ws://a", "token a");
  const second = deviceIdentity(file);
  second.keepToken("ws://b", "token b");
  first.keepToken("ws://a", "token a, newer");
  expect(first.tokenFor("ws://a")).toBe("token a, newer");
  const third = deviceIdentity(file);
  expect([third.tokenFor("ws://a"), third.tokenFor("ws://b")]).toEqual(["token a, newer", "token b"]);
  third.keepToken("ws://a", undefined);
  expect(deviceIdentity(file).tokenFor("ws://a")).toBeUndefined();
  expect(deviceIdentity(file).tokenFor("ws://b")).toBe("token b");
});

it("what is damaged is said to be, and never replaced: the device was approved by somebody", () => {
  const file = join(tempFolder(), "device.json");
  writeFileSync(file, "{ not json");
  expect(() => deviceIdentity(file)).toThrow(/damaged; delete it/);
  expect(readFileSync(file, "utf8")).toBe("{ not json");
  writeFileSync(file, JSON.stringify({ version: 1, privateKey: "not a key", tokens: {} }));
  expect(() => deviceIdentity(file)).toThrow(expect.objectContaining({ code: "state_dir_unusable" }) as Error);
});

it("a place where nothing can be made is said to be one", () => {
  const folder = tempFolder();
  const file = join(folder, "a file");
  writeFileSync(file, "");
  expect(() => deviceIdentity(join(file, "device.json"))).toThrow(
    expect.objectContaining({ code: "state_dir_unusable" }) as Error,
  );
  expect(existsSync(join(file, "device.json"))).toBe(false);
});

it.runIf(process.platform === "linux")("that can't be made private is refused with a sentence", () => {
  // Everybody may read it, and nobody may change who may.
  const read = () => deviceIdentity("/proc/self/status");
  expect(read).toThrow(InprocessError);
  expect(read).toThrow(/can't be made private/);
});
