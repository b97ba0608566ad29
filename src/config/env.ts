/** `${VAR}` in texts, and references to secrets, as OpenClaw documents them. */

export type Env = Readonly<Record<string, string | undefined>>;

/** A text with its variables put in, or the first variable that isn't set. An empty variable counts as not set. */
export type Expanded = { text: string } | { missing: string };

/** Upper-case names only; `$${VAR}` stands for a literal `${VAR}`. */
export function expandVariables(text: string, env: Env): Expanded {
  let missing: string | undefined;
  const expanded = text.replace(VARIABLE, (whole, escape: string, name: string) => {
    if (escape !== "") return whole.slice(1);
    const value = env[name];
    if (value) return value;
    missing ??= name;
    return whole;
  });
  return missing === undefined ? { text: expanded } : { missing };
}

/** Puts in what is set and leaves the rest, escapes included, for whoever uses the text. */
export function expandKnown(text: string, env: Env): string {
  return text.replace(VARIABLE, (whole, escape: string, name: string) => (escape === "" && env[name]) || whole);
}

export type SecretRef = { source: string; id: string };

export function isSecretRef(value: unknown): value is SecretRef {
  if (typeof value !== "object" || value === null) return false;
  const { source, id } = value as { source?: unknown; id?: unknown };
  return typeof id === "string" && typeof source === "string" && SOURCES.has(source);
}

/** Why a reference can't be resolved here, for a sentence that begins with its path. */
export function unresolvable(ref: SecretRef): string {
  return `refers to a secret kept elsewhere (source "${ref.source}", id "${ref.id}"), which can't be read here; use { source: "env", … } or "\${VAR}"`;
}

const VARIABLE = /(\$?)\$\{([A-Z_][A-Z0-9_]*)\}/g;
const SOURCES = new Set(["env", "file", "exec", "store"]);
