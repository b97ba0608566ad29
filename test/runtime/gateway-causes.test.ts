import { describe, expect, it } from "vitest";

import { ConnectCauses } from "../../src/runtime/gateway-causes.ts";

describe("the approval of a device is asked for with a command that reaches the gateway", () => {
  const said = (url: string): string =>
    new ConnectCauses({ url }, "local", () => []).pairingRequired("not-paired", "an-id").message;
  const command = "run `openclaw devices approve an-id` on its machine";

  it.each(["ws://127.0.0.1:18789", "wss://localhost:18789", "ws://[::1]:18789"])("at loopback: %s", (url) => {
    expect(said(url)).toMatch(new RegExp(`${command}\\.$`));
  });

  it("at another address of this machine, where OpenClaw's command wants TLS", () => {
    const text = said("ws://192.0.2.7:18789");
    expect(text).toContain(`${command}; if the gateway doesn't listen at 127.0.0.1 there`);
    expect(text).toContain('set gateway.bind to "lan" first');
    expect(text).not.toContain("--url");
  });

  it("at another address with TLS, which the command can be told", () => {
    const text = said("wss://gateway.example:18789");
    expect(text).toContain(`${command}; if the gateway doesn't listen at 127.0.0.1 there`);
    expect(text).toContain("`--url wss://gateway.example:18789 --token <its token>`");
  });
});
