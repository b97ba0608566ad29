/** What of this process's environment goes on: by name, so that no secret is copied by accident, but for the gateway's own runner. */

type Env = Record<string, string | undefined>;

/**
 * For worker threads: proxies and certificate authorities, without which a proxied machine reaches nothing, and where
 * Node keeps compiled code, which must be known before the worker's file is loaded.
 */
export function threadEnvironment(env: Env, compileCache: string): Record<string, string> {
  const passed = pick(env, [...PROXY, ...PROXY.map((name) => name.toLowerCase()), ...AUTHORITIES]);
  return { ...passed, NODE_COMPILE_CACHE: compileCache };
}

/**
 * For threads that run the gateway's own runner: its tools, credentials and provider plugins read the same variables
 * there as on the gateway's main thread.
 */
export function hostEnvironment(env: Env, compileCache: string): Record<string, string> {
  const all = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { ...PLUGINS_STAY, ...Object.fromEntries(all), ...NO_RUNNER_WARNING, NODE_COMPILE_CACHE: compileCache };
}

/** For commands that `exec` starts: where programs are, where home and temporary files are, which language. */
export function execEnvironment(env: Env): Record<string, string> {
  return pick(env, COMMANDS);
}

function pick(env: Env, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

/** OpenClaw warns in every thread that loads its runner from where we do. */
const NO_RUNNER_WARNING = { OPENCLAW_SUPPRESS_EXTENSION_API_WARNING: "1" };
/**
 * How long OpenClaw believes what it knows of installed plugins (its docs/plugins/architecture.md), in milliseconds. Its
 * own second made each child's thread read every plugin's manifest several times again, half of the time to the first
 * request; what is installed later counts from the gateway's next start anyway.
 */
const PLUGINS_STAY = {
  OPENCLAW_PLUGIN_DISCOVERY_CACHE_MS: "3600000",
  OPENCLAW_PLUGIN_MANIFEST_CACHE_MS: "3600000",
};
const PROXY = ["NODE_USE_ENV_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
const AUTHORITIES = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"];
const COMMANDS = [
  ...["PATH", "Path", "HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "LANG", "LC_ALL", "TZ"],
  ...["SystemRoot", "SYSTEMROOT", "ComSpec", "COMSPEC", "PATHEXT", "WINDIR", "windir"],
];
