/** An address where nothing listens. */

import { createServer, type AddressInfo } from "node:net";

/** `ws://127.0.0.1:<port>` of a port that was free a moment ago: connections to it are refused. */
export async function refusingUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `ws://127.0.0.1:${port}`;
}
