import { describe, expect, it } from "vitest";
import { modelFromFlags } from "../../../src/adapters/models/model-from-flags.ts";
import { InprocessError } from "../../../src/errors.ts";

describe("modelFromFlags", () => {
  it("reaches any OpenAI-compatible server, without a key when none is named", () => {
    const env = { OPENAI_API_KEY: "not for strangers" };
    expect(modelFromFlags({ baseUrl: "http://127.0.0.1:8080/v1/", model: "meta/llama-3" }, env)).toEqual({
      provider: "custom",
      id: "meta/llama-3",
      api: "openai-completions",
      baseUrl: "http://127.0.0.1:8080/v1",
      apiKey: "no-key-needed",
      contextWindow: 200_000,
      maxTokens: 8192,
      input: ["text"],
      reasoning: false,
      compat: { supportsStore: false, maxTokensField: "max_tokens", supportsDeveloperRole: false },
    });
  });

  it("leaves OpenAI's own server its own ways", () => {
    expect(modelFromFlags({ baseUrl: "https://api.openai.com/v1", model: "gpt-5.2" }, {}).compat).toBeUndefined();
  });

  it.each([
    ["http://localhost:11434", "http://localhost:11434/v1"],
    ["http://localhost:11434/", "http://localhost:11434"],
    [" https://h/openai/v1 ", "https://h/openai/v1"],
  ])("adds /v1 where no path is given at all: %s", (baseUrl, expected) => {
    expect(modelFromFlags({ baseUrl, model: "m" }, {}).baseUrl).toBe(expected);
  });

  it("takes the key from the named variable", () => {
    const flags = { baseUrl: "http://h/v1", model: "m", apiKeyEnv: "K" };
    expect(modelFromFlags(flags, { K: "secret" }).apiKey).toBe("secret");
  });

  it.each(["http://user:pa55@h/v1", "https://user@h", "http://:pa55@h", "user:pa55@h/v1", "ftp://user:pa55@h"])(
    "refuses an address with credentials without repeating them: %s",
    (baseUrl) => {
      const refused = () => modelFromFlags({ baseUrl, model: "m" }, {});
      expect(refused).toThrow(/--base-url has a user name or password in it, .*--api-key-env\.$/u);
      expect(refused).not.toThrow(/pa55|user[:@]/u);
    },
  );

  it("takes an @ anywhere else in the address", () => {
    expect(modelFromFlags({ baseUrl: "http://h/accounts/@me", model: "m" }, {}).baseUrl).toBe("http://h/accounts/@me");
  });

  it.each([
    [{ baseUrl: "localhost:1234", model: "m" }, '--base-url is "localhost:1234"; it must be an http or https URL'],
    [{ baseUrl: "ftp://h", model: "m" }, "--base-url"],
    [{ baseUrl: "", model: "m" }, "--base-url"],
    [{ baseUrl: "http://h/v1", model: " " }, "--model is empty"],
    [
      { baseUrl: "http://h/v1", model: "m", apiKeyEnv: "NOPE" },
      "--api-key-env names the environment variable NOPE, which isn't set",
    ],
  ])("says which option is wrong: %j", (flags, message) => {
    expect(() => modelFromFlags(flags, { NOPE: "" })).toThrow(InprocessError);
    expect(() => modelFromFlags(flags, { NOPE: "" })).toThrow(message);
  });
});
