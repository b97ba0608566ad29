/**
 * The reference gateway in a process of its own, warm before it tells where it is, with a probe beside it. See
 * gateway.ts for the other side.
 */

import { openReferenceGateway, type ReferenceGatewayOptions } from "../../test/helpers/reference-gateway/index.ts";
import { serveProbe } from "./probe.ts";

export type GatewayReady = { url: string; token: string; probeUrl: string };

const gateway = await openReferenceGateway(JSON.parse(process.argv[2]!) as ReferenceGatewayOptions);
await gateway.warm();
const probe = await serveProbe();
process.on("disconnect", () => void gateway.close().finally(() => process.exit(0)));
process.send!({ url: gateway.url, token: gateway.token!, probeUrl: probe.url } satisfies GatewayReady);
