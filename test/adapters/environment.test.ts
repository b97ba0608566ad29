import { expect, test } from "vitest";
import { hostEnvironment, threadEnvironment } from "../../src/adapters/environment.ts";

test("a thread of ours sees proxies and authorities of the gateway, and none of its secrets", () => {
  const env = threadEnvironment({ HTTPS_PROXY: "http://p", no_proxy: "x", OPENAI_API_KEY: "secret" }, "/cache");
  expect(env).toEqual({ HTTPS_PROXY: "http://p", no_proxy: "x", NODE_COMPILE_CACHE: "/cache" });
});

test("a thread of the host's runner believes what it knows of plugins for an hour", () => {
  expect(hostEnvironment({}, "/cache")).toMatchObject({
    OPENCLAW_PLUGIN_DISCOVERY_CACHE_MS: "3600000",
    OPENCLAW_PLUGIN_MANIFEST_CACHE_MS: "3600000",
  });
});

test("what the user says of that counts", () => {
  expect(hostEnvironment({ OPENCLAW_PLUGIN_MANIFEST_CACHE_MS: "0" }, "/cache")).toMatchObject({
    OPENCLAW_PLUGIN_MANIFEST_CACHE_MS: "0",
    OPENCLAW_PLUGIN_DISCOVERY_CACHE_MS: "3600000",
  });
});
