import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { redact, REDACTED, redactText } from "../src/redact.ts";

describe("redactText", () => {
  it.each([
    ["an OpenAI key", "key sk-proj-abcDEF123456 end", "key *** end"],
    ["an Anthropic key", "sk-ant-api03-abcDEF_123-456", "***"],
    ["a Google key", "?key=AIzaSyA1234567890abcdefgh&x=1", "?key=***&x=1"],
    ["a GitHub token", "clone with ghp_abcdefghijklmnop1234", "clone with ***"],
    ["a Slack token", "xoxb-1234567890-abcdef", "***"],
    ["a bearer", "sent Bearer abc.def-123 to it", "sent Bearer *** to it"],
    ["a header", "Authorization: Basic dXNlcjpwYXNz\nnext", "Authorization: ***\nnext"],
    ["a header as JSON", '{"authorization":"Bearer abcdefgh","a":1}', '{"authorization":"***","a":1}'],
    ["cookies", "set-cookie: a=1; b=2\nnext", "set-cookie: ***\nnext"],
    ["a JSON field", '{"apiKey": "with \\" and space"}', '{"apiKey": "***"}'],
    [
      "a field of JSON in JSON",
      String.raw`"{\"token\":\"abcd1234\",\"n\":1}"`,
      String.raw`"{\"token\":\"***\",\"n\":1}"`,
    ],
    ["a YAML line", "password: hunter22", "password: ***"],
    ["a variable", "OPENAI_API_KEY=abc123 node .", "OPENAI_API_KEY=*** node ."],
    ["a quoted variable", 'export MY_TOKEN_2="a b c"', "export MY_TOKEN_2=***"],
    ["what is glued behind a quoted variable", 'KEY="apiKey"apiKey x', "KEY=*** x"],
    ["the user of a URL", "https://me:p@ss@host.example/x", "https://***@host.example/x"],
    ["a JWT", "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "***"],
    ["an AWS key id", "AKIAABCDEFGHIJKLMNOP", "***"],
    ["a private key", "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "***"],
  ])("hides %s", (_what, text, clean) => {
    expect(redactText(text)).toBe(clean);
  });

  it.each([
    "a task-force for risk-management, desk-research included",
    "agent:main:subagent:0d9f6c1e-6d5f-4a51-93a5-6a3f7d1d8a01",
    "sessionKey=agent:main:main tokens: 1234 totalTokens=99",
    "https://host.example/a@b and user@host.example",
    "src/registry/token-bucket.ts",
  ])("leaves %j as it is", (text) => {
    expect(redactText(text)).toBe(text);
  });

  it("changes nothing more when it is run again", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }), (pieces) => {
        const once = redactText(pieces.join(""));
        expect(redactText(once)).toBe(once);
      }),
    );
  });
});

describe("redact", () => {
  it("hides known secrets wherever they stand, keys of objects included", () => {
    const secret = 'Tr0ub4dor"&3';
    const value = {
      [secret]: 1,
      list: [`a ${secret} b`, new Map([[secret, new Set([secret])]])],
      json: JSON.stringify({ secret }),
      url: `https://host.example/?q=${encodeURIComponent(secret)}`,
      error: new Error(`failed with ${secret}`, { cause: new Error(secret) }),
    };
    const shown = JSON.stringify(redact(value, [secret]));
    for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]) {
      expect(shown).not.toContain(form);
    }
  });

  it("hides what is called a secret whatever it looks like, and leaves counts", () => {
    expect(
      redact({ apiKey: "x", "x-api-key": "y", client_secret: ["z"], totalTokens: 12, token: 7, key: "run:1" }),
    ).toEqual({
      apiKey: REDACTED,
      "x-api-key": REDACTED,
      client_secret: [REDACTED],
      totalTokens: 12,
      token: 7,
      key: "run:1",
    });
  });

  it("ignores known secrets that are too short to be any", () => {
    expect(redact({ text: "ollama x" }, ["x", "ollama", ""])).toEqual({ text: "ollama x" });
  });

  it("keeps what an error says of itself", () => {
    const error = Object.assign(new TypeError("no"), { code: "model_error" });
    expect(redact(error)).toMatchObject({ name: "TypeError", message: "no", code: "model_error" });
  });

  it("copes with values that JSON can't hold", () => {
    const circle: Record<string, unknown> = {
      bytes: new Uint8Array(3),
      big: 12n,
      fn: () => 1,
      date: new Date(0),
      no: undefined,
    };
    circle["self"] = circle;
    Object.defineProperty(circle, "bad", { enumerable: true, get: () => unreadable() });
    expect(redact(circle)).toEqual({
      bytes: "[3 bytes]",
      big: "12",
      fn: "[function]",
      date: "1970-01-01T00:00:00.000Z",
      no: undefined,
      self: "[circular]",
      bad: "[unreadable]",
    });
  });

  it("doesn't change what it was given", () => {
    const value = { apiKey: "abc", nested: { text: "Bearer abcdefghi" } };
    redact(value);
    expect(value).toEqual({ apiKey: "abc", nested: { text: "Bearer abcdefghi" } });
  });

  it("lets no known secret through in any value", () => {
    fc.assert(
      fc.property(secrets, fc.json(), fc.string(), (secret, json, text) => {
        const value = {
          parsed: JSON.parse(json) as unknown,
          text: `${text}${secret}${text}`,
          [`k${secret}`]: [secret],
        };
        expect(JSON.stringify(redact(value, [secret]))).not.toContain(JSON.stringify(secret).slice(1, -1));
      }),
    );
  });
});

function unreadable(): never {
  throw new Error("no");
}

/** Long enough to count as a secret, and not a part of what stands in its place. */
const secrets = fc
  .string({ minLength: 8, maxLength: 40, unit: "grapheme" })
  .filter((s) => s.length >= 8 && !REDACTED.includes(s));

const PIECES = [
  "apiKey",
  '"',
  "'",
  ":",
  "=",
  " ",
  "\\",
  "token",
  "KEY=",
  "Bearer ",
  "sk-abcdefghij",
  "://",
  "@",
  "x",
  "authorization",
  "\n",
];
