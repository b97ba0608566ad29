import { describe, expect, it } from "vitest";

import { forkReferenceGateway } from "../helpers/reference-gateway/index.ts";
import { closeAfterTest, serveModel } from "../helpers/runtime-fixture.ts";
import { tempDirs } from "./cli-process.ts";
import { runCli } from "./run-cli.ts";

describe("the command whose subagents work in a gateway", () => {
  it("says that neither its model nor its workspace is theirs", async () => {
    const model = await serveModel(() => "a report");
    const gateway = await forkReferenceGateway({ model: model.model });
    closeAfterTest(() => gateway.close());
    const { home, workspace, stateDir } = tempDirs();
    const { stdout, stderr, code } = await runCli(["run", "--demo", "--runtime", "gateway", "--state-dir", stateDir], {
      home,
      cwd: workspace,
      env: { OPENCLAW_GATEWAY_PORT: new URL(gateway.url).port, OPENCLAW_GATEWAY_TOKEN: gateway.token! },
    });
    expect(code).toBe(0);
    expect(model.requests).toHaveLength(3);
    expect(stdout).toContain("a report");
    const [notice, header] = stderr.split("\n");
    expect(notice).toMatch(/in the gateway they have its own models and work in its own workspaces/);
    expect(header).toMatch(
      /in the gateway \(.*\) the subagents, with its own models and workspaces; in process the main/,
    );
    expect(header).toContain(`the main agent, model demo/scripted, workspace ${workspace}`);
    expect(stderr).toMatch(/^3 subagents: 3 done · 3 in the gateway, with its own models and workspaces · /m);
  });

  it("says the same in its help", async () => {
    const { home, workspace } = tempDirs();
    const { stdout } = await runCli(["run", "--help"], { home, cwd: workspace });
    const help = stdout.replace(/\s+/g, " ");
    expect(help).toMatch(/--model, --base-url, --demo and --workspace are the main agent's alone/);
    expect(help).toMatch(/--workspace <folder> the folder the agents may read and change, those in a gateway excepted/);
  });
});
