/** What of this process's environment goes on, by name: nothing else does, so no secret is copied by accident. */

type Env = Record<string, string | undefined>;

/**
 * For worker threads: proxies and certificate authorities, without which a proxied machine reaches nothing, and where
 * Node keeps compiled code, which must be known before the worker's file is loaded.
 */
export function threadEnvironment(env: Env, compileCache: string): Record<string, string> {
  const passed = pick(env, [...PROXY, ...PROXY.map((name) => name.toLowerCase()), ...AUTHORITIES]);
  return { ...passed, NODE_COMPILE_CACHE: compileCache };
}

/** For commands that `exec` starts: where programs are, where home and temporary files are, which language. */
export function execEnvironment(env: Env): Record<string, string> {
  return pick(env, COMMANDS);
}

function pick(env: Env, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

const PROXY = ["NODE_USE_ENV_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
const AUTHORITIES = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"];
const COMMANDS = [
  ...["PATH", "Path", "HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "LANG", "LC_ALL", "TZ"],
  ...["SystemRoot", "SYSTEMROOT", "ComSpec", "COMSPEC", "PATHEXT", "WINDIR", "windir"],
];
