/** An HTTP proxy on loopback that writes down where its clients want to go, and lets nobody through. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type RefusingProxy = {
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** `host:port` of every CONNECT, oldest first; for a request without one, its URL. */
  asked: string[];
  close(): Promise<void>;
};

/** The caller closes it. */
export async function startRefusingProxy(): Promise<RefusingProxy> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(502).end();
  });
  server.on("connect", (request, socket) => {
    asked.push(request.url ?? "");
    socket.on("error", () => undefined);
    // An answer, where hanging up would do: Node 24.14's fetch connects again without pause to a proxy that hangs up.
    socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
