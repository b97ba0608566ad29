/**
 * Takes keys, tokens and passwords out of what is about to be logged or shown. No dependencies: threads use it too.
 *
 * Known secrets are found wherever they stand; unknown ones by their shape (`sk-…`, `Bearer …`) or by the name in
 * front of them (`apiKey: …`, `MY_TOKEN=…`). It would rather hide a harmless word than show a key.
 */

/**
 * A copy of any value with every secret in it replaced by `***`, keys of objects included.
 * Errors become `{ name, message, code?, stack?, cause? }`, maps and sets arrays, bytes their length.
 * @param secrets exact values to hide wherever they occur; ones under 8 characters are ignored, as they are placeholders
 */
export function redact(value: unknown, secrets: readonly string[] = []): unknown {
  return redactValue(value, { text: textRedactor(secrets), parents: [] });
}

/** The same for one text. Linear in its length. */
export function redactText(text: string, secrets: readonly string[] = []): string {
  return textRedactor(secrets)(text);
}

/** Short enough, and made of such characters, that no shape below takes it for a secret: redacting twice changes nothing. */
export const REDACTED = "***";

type Walk = { text: (text: string) => string; parents: unknown[] };

function redactValue(value: unknown, walk: Walk): unknown {
  switch (typeof value) {
    case "string":
      return walk.text(value);
    case "number":
    case "bigint": {
      // A secret of digits may come as a number.
      const shown = String(value);
      const clean = walk.text(shown);
      return clean === shown ? (typeof value === "bigint" ? shown : value) : clean;
    }
    case "symbol":
    case "function":
      return `[${typeof value}]`;
    case "object":
      return value === null ? null : redactObject(value, walk);
    default:
      return value;
  }
}

function redactObject(value: object, { text, parents }: Walk): unknown {
  if (parents.includes(value)) return "[circular]";
  if (parents.length >= MAX_DEPTH) return "[too deep]";
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof URL || value instanceof RegExp) return text(String(value));
  const walk = { text, parents: [...parents, value] };
  if (Array.isArray(value)) return value.map((item) => redactValue(item, walk));
  if (value instanceof Set) return [...value].map((item) => redactValue(item, walk));
  if (value instanceof Map || value instanceof Headers) return [...value].map((pair) => redactPair(pair, walk));
  if (value instanceof Error) return redactEntries(errorEntries(value), walk);
  return redactEntries(
    Object.keys(value).map((key) => [key, read(value, key)]),
    walk,
  );
}

function redactPair([key, value]: [unknown, unknown], walk: Walk): unknown {
  return [redactValue(key, walk), redactNamed(typeof key === "string" ? key : "", value, walk)];
}

function redactEntries(entries: [string, unknown][], walk: Walk): Record<string, unknown> {
  return Object.fromEntries(entries.map(([key, value]) => [walk.text(key), redactNamed(key, value, walk)]));
}

/** What is called a secret is hidden whatever it looks like; numbers and flags of that name are counts and settings. */
function redactNamed(key: string, value: unknown, walk: Walk): unknown {
  if (!SECRET_KEY.test(key) || typeof value === "number") return redactValue(value, walk);
  return redactValue(value, { ...walk, text: (text) => (text === "" ? "" : REDACTED) });
}

function errorEntries(error: Error): [string, unknown][] {
  const names = new Set(["name", "message", "stack", "cause", ...Object.keys(error)]);
  return [...names].flatMap((name): [string, unknown][] => {
    const value = read(error, name);
    return value === undefined ? [] : [[name, value]];
  });
}

/** Logging must not fail because a getter does. */
function read(object: object, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key];
  } catch {
    return "[unreadable]";
  }
}

function textRedactor(secrets: readonly string[]): (text: string) => string {
  const known = knownForms(secrets);
  return (text) => {
    let clean = text;
    for (const secret of known) clean = clean.replaceAll(secret, REDACTED);
    for (const [pattern, replacement] of SHAPES) clean = clean.replace(pattern, replacement);
    return clean;
  };
}

/** A secret as it stands in plain text, in JSON and in a URL; the longest first, as one may contain another. */
function knownForms(secrets: readonly string[]): string[] {
  const forms = secrets
    .filter((secret) => secret.length >= MIN_SECRET)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())]);
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}

const MIN_SECRET = 8;
const MAX_DEPTH = 12;

const SECRET_KEY =
  /(?:api[-_]?key|access[-_]?key|private[-_]?key|secret|token|password|passwd|passphrase|authorization|cookie|credentials?)$/i;

const NAMED = String.raw`(?:api[-_]?key|access[-_]?key|private[-_]?key|secret|token|password|passwd|passphrase|credentials?)`;
const ENV_NAMED = String.raw`(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)[A-Z0-9_]{0,40}`;

/** Every quantifier that another could follow into the same text is bounded, so that no text takes more than linear time. */
const SHAPES: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)/g, REDACTED],
  // Headers: the whole value, a scheme such as `Bearer` included; cookies to the end of the line.
  [/((?:set-)?cookie\\{0,3}["']?\s{0,4}[:=]\s{0,4}\\{0,3}["']?)[^"'\r\n]+/gi, `$1${REDACTED}`],
  [
    /(authorization\\{0,3}["']?\s{0,4}[:=]\s{0,4}\\{0,3}["']?)(?:(?:Bearer|Basic|Digest|Token|ApiKey)\s{1,4})?[^\s"'\\,;}\]]+/gi,
    `$1${REDACTED}`,
  ],
  [/\b(Bearer\s{1,4})[A-Za-z0-9._~+/=-]{6,}/gi, `$1${REDACTED}`],
  // `user:password@` of a URL, up to the last `@` before the path.
  [/(?<=:\/\/)[^\s/?#"'<>]{1,512}@/g, `${REDACTED}@`],
  // `"apiKey": "…"`, `'token': '…'`, the same inside JSON inside JSON, `api_key=…`, `password: …`.
  [new RegExp(String.raw`(${NAMED}["']?\s{0,4}[:=]\s{0,4}")(?:[^"\\]|\\.)+`, "gi"), `$1${REDACTED}`],
  [new RegExp(String.raw`(${NAMED}["']?\s{0,4}[:=]\s{0,4}')(?:[^'\\]|\\.)+`, "gi"), `$1${REDACTED}`],
  [new RegExp(String.raw`(${NAMED}\\{1,3}"\s{0,4}:\s{0,4}\\{1,3}")[^"\\]+`, "gi"), `$1${REDACTED}`],
  [new RegExp(String.raw`(${NAMED}["']?\s{0,4}[:=]\s{0,4})[^\s"'\\,;&}\]]{4,}`, "gi"), `$1${REDACTED}`],
  // `OPENAI_API_KEY=…`, `export MY_TOKEN_2="…"`; what is glued behind the quotes belongs to the value, as in a shell.
  [new RegExp(String.raw`(${ENV_NAMED}=)(?:(?:"[^"]+"?|'[^']+'?)[^\s"']*|[^\s"']+)`, "g"), `$1${REDACTED}`],
  // By their shape alone.
  [/(?<![A-Za-z0-9])(?:sk|pk|rk)[-_][A-Za-z0-9_-]{8,}/g, REDACTED],
  [/AIza[A-Za-z0-9_-]{16,}/g, REDACTED],
  [/(?<![A-Za-z0-9])(?:gh[pousr]|github_pat|glpat|hf|gsk|npm|xai|nvapi|pplx|r8)[-_][A-Za-z0-9_-]{16,}/g, REDACTED],
  [/(?<![A-Za-z0-9])xox[a-z]-[A-Za-z0-9-]{8,}|(?<![A-Za-z0-9])xapp-[A-Za-z0-9-]{8,}/g, REDACTED],
  [/(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])/g, REDACTED],
  [/ya29\.[A-Za-z0-9_-]{16,}/g, REDACTED],
  [/(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{0,8192})?/g, REDACTED],
  [/(?<!\d)\d{8,10}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/g, REDACTED],
];
