import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { isLoopback, selectRuntime } from "../../src/policy/select-runtime.ts";

const HOSTS: [string | undefined, boolean][] = [
  [undefined, false],
  ["127.0.0.1", true],
  ["127.8.9.10", true],
  ["127.255.255.255", true],
  ["::1", true],
  ["[::1]", true],
  ["0:0:0:0:0:0:0:1", true],
  ["::ffff:127.0.0.1", true],
  ["localhost", true],
  ["LocalHost", true],
  ["0.0.0.0", false],
  ["::", false],
  ["192.168.1.5", false],
  ["128.0.0.1", false],
  ["126.255.255.255", false],
  ["127.example.org", false],
  ["localhost.example.org", false],
  ["127.1", false],
];

const rows = (["auto", undefined, "inprocess", "gateway"] as const).flatMap((runtime) =>
  ([undefined, "local", "remote"] as const).flatMap((mode) =>
    ([undefined, "loopback", "lan", "tailnet", "auto", "custom"] as const).flatMap((bind) =>
      (bind === "custom" ? HOSTS : HOSTS.slice(0, 2)).map(([host, loopback]) => ({
        runtime,
        mode,
        bind,
        host,
        loopback,
      })),
    ),
  ),
);

describe("selectRuntime", () => {
  it.each(rows)("$runtime, mode $mode, bind $bind, host $host", ({ runtime, mode, bind, host, loopback }) => {
    const config = parseConfig({ subagents: { runtime }, gateway: { mode, bind, customBindHost: host } });
    const local = mode !== "remote" && (bind === undefined || bind === "loopback" || (bind === "custom" && loopback));
    const expected = runtime === "inprocess" || runtime === "gateway" ? runtime : local ? "inprocess" : "gateway";
    const choice = selectRuntime(config);
    expect(choice.runtime).toBe(expected);
    expect(choice.reason).toContain(runtime === undefined ? "auto" : runtime);
  });

  it.each([
    [{}, 'subagents.runtime is "auto" and gateway.bind is "loopback"'],
    [{ gateway: { bind: "lan" } }, 'gateway.bind is "lan"'],
    [{ gateway: { mode: "remote" } }, 'gateway.mode is "remote"'],
    [{ gateway: { bind: "custom" } }, "without a gateway.customBindHost"],
    [{ gateway: { bind: "custom", customBindHost: "10.0.0.1" } }, "10.0.0.1 isn't a loopback address"],
    [{ gateway: { bind: "custom", customBindHost: "[::1]" } }, "gateway.customBindHost [::1] is a loopback address"],
    [{ subagents: { runtime: "gateway" } }, 'subagents.runtime is "gateway"'],
  ])("says why: %j", (raw, reason) => {
    expect(selectRuntime(parseConfig(raw)).reason).toContain(reason);
  });

  it("lets the plugin's own config win", () => {
    const raw = {
      subagents: { runtime: "gateway" },
      plugins: { entries: { "openclaw-inprocess": { config: { subagents: { runtime: "inprocess" } } } } },
    };
    expect(selectRuntime(parseConfig(raw)).runtime).toBe("inprocess");
  });
});

it.each([
  [" 127.0.0.1\n", true],
  ["12[7.0.0.1]", false],
  ["[127.0.0].1", false],
  ["[[::1]]", false],
  ["", false],
])("%j is loopback: %s", (host, loopback) => {
  expect(isLoopback(host)).toBe(loopback);
});

it.each(HOSTS.filter((row): row is [string, boolean] => row[0] !== undefined))(
  "%s is loopback: %s",
  (host, loopback) => {
    expect(isLoopback(host)).toBe(loopback);
  },
);
