import { existsSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { OutputTail } from "../../../src/worker/tools/output-tail.ts";
import { createHarness, execEnv, textOf, type Harness } from "./harness.ts";

/** A command line that runs a script on this Node, on any system. */
function node(script: string): string {
  return `"${process.execPath}" -e "${script.replaceAll('"', process.platform === "win32" ? '""' : '\\"')}"`;
}

const POSIX = process.platform !== "win32";

describe("exec", () => {
  it("runs a command in the workspace and gives its output and exit code", async () => {
    const harness = createHarness({ "a.txt": "" });
    const output = await harness.call("exec", { command: node("console.log(process.cwd()); console.error('err')") });
    const [first, ...rest] = textOf(output).split("\n");
    expect(realpathSync(first ?? "")).toBe(realpathSync(harness.workspace));
    expect(rest).toEqual(["err", "[exit code 0]"]);
    expect(output).toMatchObject({ details: { exitCode: 0, timedOut: false, droppedBytes: 0 } });
    expect(output.isError).toBeUndefined();
  });

  it("counts another exit code as a failure and keeps the output", async () => {
    const output = await createHarness().call("exec", { command: node("console.log('so far'); process.exit(3)") });
    expect(output).toMatchObject({ isError: true, details: { code: "tool_error", exitCode: 3 } });
    expect(textOf(output)).toBe("so far\n[exit code 3]");
  });

  it("gives a command none of the environment but what every program needs", async () => {
    const harness = createHarness(
      {},
      { execEnv: { ...execEnv(), SECRET_KEY: "s3cret", NODE_OPTIONS: "--no-warnings" } },
    );
    const text = await harness.text("exec", { command: node("console.log(Object.keys(process.env).join())") });
    const names = (text.split("\n")[0] ?? "").split(",");
    expect(names).not.toContain("SECRET_KEY");
    expect(names).not.toContain("NODE_OPTIONS");
    expect(names.some((name) => name.toUpperCase() === "PATH")).toBe(true);
    // What a POSIX shell sets by itself.
    const allowed = [...["PATH", "HOME", "TMPDIR", "TEMP", "TMP", "LANG"], ...["PWD", "SHLVL", "OLDPWD", "_"]];
    if (POSIX) expect(names.filter((name) => !allowed.includes(name) && !name.startsWith("__CF"))).toEqual([]);
  });

  it("gives no input: what waits for some sees its end", async () => {
    const text = await createHarness().text("exec", {
      command: node("process.stdin.on('end', () => console.log('ended')).resume()"),
    });
    expect(text).toBe("ended\n[exit code 0]");
  });

  it("tells of each process when it starts and when it has ended", async () => {
    const told: [number, boolean][] = [];
    const harness = createHarness({}, { onProcess: (pid, alive) => told.push([pid, alive]) });
    await harness.text("exec", { command: node("") });
    expect(told).toEqual([
      [expect.any(Number), true],
      [told[0]?.[0], false],
    ]);
  });

  it("ends a command and all it started when its time is up", async () => {
    const harness = createHarness();
    const output = await harness.call("exec", { command: familyOfThree(), timeout: 5 });
    expect(output).toMatchObject({ isError: true, details: { timedOut: true, exitCode: null } });
    expect(textOf(output)).toMatch(/\[ended after [\d.]+ s: its time was up\]$/);
    await expectAllGone(harness);
  });

  it("ends a command and all it started when the run is aborted", async () => {
    const harness = createHarness();
    const controller = new AbortController();
    const running = harness.call("exec", { command: familyOfThree() }, controller.signal);
    await until(() => existsSync(path.join(harness.workspace, "grandchild.pid")));
    controller.abort();
    expect(textOf(await running)).toContain("[ended: the run was stopped]");
    await expectAllGone(harness);
  });

  it.runIf(POSIX)("ends a grandchild that made a session of its own", async () => {
    const harness = createHarness();
    const controller = new AbortController();
    const running = harness.call("exec", { command: familyOfThree({ detached: true }) }, controller.signal);
    await until(() => existsSync(path.join(harness.workspace, "grandchild.pid")));
    controller.abort();
    await running;
    await expectAllGone(harness);
  });

  it.runIf(POSIX)("ends what a finished command left in the background, without waiting for it", async () => {
    const harness = createHarness();
    const text = await harness.text("exec", { command: "sleep 300 & echo $! > background.pid; echo done" });
    expect(text).toBe("done\n[exit code 0]");
    await until(() => !isAlive(Number(readFileSync(path.join(harness.workspace, "background.pid"), "utf8"))));
  });

  it("keeps the end of a flood of output, and says how much is left out", async () => {
    const script = "for (let i = 0; i < 300000; i++) process.stdout.write('line ' + i + '\\n'); ";
    const output = await createHarness().call("exec", { command: node(script) });
    const lines = textOf(output).split("\n");
    expect(lines[0]).toMatch(/^\[the first \d+ bytes of the output are left out\]$/);
    expect(lines[1]).toMatch(/^line \d+$/);
    expect(lines.slice(-2)).toEqual(["line 299999", "[exit code 0]"]);
    expect(Buffer.byteLength(textOf(output))).toBeLessThan(52 * 1024);
    expect(output.details).toMatchObject({ bytes: 3_488_890 });
  });

  it("answers a command that isn't one, and one that can't be found", async () => {
    const harness = createHarness();
    expect(textOf(await harness.call("exec", { command: "  " }))).toContain("exec needs a command");
    const output = await harness.call("exec", { command: "no-such-program-anywhere" });
    expect(output.isError).toBe(true);
  });
});

describe("OutputTail", () => {
  it("cuts a single line at a character's start", () => {
    const tail = new OutputTail(9);
    tail.add("ééééé", 10);
    expect(tail.take()).toEqual({ text: "éééé", bytes: 10, droppedBytes: 2 });
  });

  it("gives the same for many small pieces as for one", () => {
    const tail = new OutputTail(20);
    for (let at = 0; at < 10_000; at += 1) tail.add(`${at}\n`, 5);
    expect(tail.take().text).toBe("9996\n9997\n9998\n9999\n");
  });
});

/** A shell that runs a Node that runs another one; each says its pid in a file and then waits. */
function familyOfThree(options: { detached?: boolean } = {}): string {
  const wait = "setInterval(() => {}, 1000)";
  const grandchild = `require('fs').writeFileSync('grandchild.pid', String(process.pid)); ${wait}`;
  const child =
    `require('fs').writeFileSync('child.pid', String(process.pid)); console.log('started'); ` +
    `require('child_process').spawn(process.execPath, ['-e', process.argv[1]], { stdio: 'ignore', detached: ${options.detached === true} }); ${wait}`;
  const quoted = (text: string) => (POSIX ? `"${text}"` : `"${text.replaceAll('"', '""')}"`);
  return `${node(child)} ${quoted(grandchild)} && echo never`;
}

async function expectAllGone(harness: Harness): Promise<void> {
  for (const file of ["child.pid", "grandchild.pid"]) {
    const noted = path.join(harness.workspace, file);
    // On a very busy machine its parent may have been ended before it could start.
    if (!existsSync(noted)) continue;
    const pid = Number(readFileSync(noted, "utf8"));
    expect(pid).toBeGreaterThan(0);
    await until(() => !isAlive(pid));
  }
}

/** A process that has ended but that nobody has collected yet counts as gone. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== "linux") return true;
  return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000; tries += 1) {
    if (condition()) return;
    await sleep(20);
  }
  throw new Error("it didn't come to that in 20 s");
}
