import { describe, expect, it } from "vitest";

import { ConnectCauses } from "../../src/runtime/gateway-causes.ts";

describe("the approval of a device is asked for with a command that reaches the gateway", () => {
  const said = (url: string): string =>
    new ConnectCauses({ url }, "local", () => []).pairingRequired("not-paired", "an-id").message;
  const command = "run `openclaw devices approve an-id` on its machine";

  it.each(["ws://127.0.0.1:18789", "wss://localhost:18789", "ws://[::1]:18789"])("at loopback: %s", (url) => {
    expect(said(url)).toMatch(new RegExp(`${command}\\.$`));
  });

  it.each(["ws://192.0.2.7:18789", "wss://gateway.example:18789"])(
    "at another address, where OpenClaw's command may find nobody: %s",
    (url) => {
      expect(said(url)).toContain(`${command}, which asks at 127.0.0.1: `);
      expect(said(url)).toContain('must be given gateway.bind "lan" first');
    },
  );
});
