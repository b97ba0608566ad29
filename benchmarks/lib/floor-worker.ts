/** The thread of thread-floor.ts: answers at once. */

import { parentPort, type MessagePort } from "node:worker_threads";

/** For piscina. */
export default function noOp({ port }: { port: MessagePort }): void {
  port.close();
}

if (process.argv[2] === "echo") parentPort!.on("message", (message: unknown) => parentPort!.postMessage(message));
