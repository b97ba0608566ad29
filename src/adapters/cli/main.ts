#!/usr/bin/env node
/**
 * The command's entry. It must still parse and run on a Node that is too old for everything else, so that such a Node
 * gets a sentence instead of a stack: nothing is imported before its version is known.
 */

const NEEDED = [22, 19];
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < NEEDED[0]! || (major === NEEDED[0] && minor < NEEDED[1]!)) {
  process.stderr.write(
    `openclaw-inprocess needs Node ${NEEDED.join(".")} or newer; this is ${process.versions.node}. ` +
      "Install a newer one from https://nodejs.org, or switch with your version manager (for instance `nvm install 24`), and run the command again.\n",
  );
  process.exitCode = 2;
} else {
  const { runProgram } = await import("./program.ts");
  await runProgram(process);
}
