import { connectTo, openGateway } from "../helpers/gateway-fixture.ts";
import { runtimeContract } from "./runtime-contract.ts";

runtimeContract("the gateway runtime to a reference gateway", async ({ script, limits = {} }) => {
  const { gateway, model } = await openGateway(script);
  const { runtime, requester, host } = await connectTo(gateway, { limits });
  return { runtime, requester, host, requests: () => model.requests };
});
