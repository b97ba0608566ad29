/** The README's `openclaw` commands are commands of a real OpenClaw with the plugin in it. */

import { beforeAll, describe, expect, it } from "vitest";

import { commandsIn, readDoc } from "../docs/markdown.ts";
import { runOpenClaw } from "./helpers/command.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { profileWithPlugin } from "./helpers/plugin-profile.ts";
import type { Profile } from "./helpers/profile.ts";

const COMMANDS = commandsIn(readDoc("README.md")).filter((command) => command.startsWith("openclaw "));

describe("a command of OpenClaw in the README", () => {
  let profile: Profile;
  beforeAll(async () => {
    profile = await profileWithPlugin(await installOpenClaw("2026.4.1"), { modelBaseUrl: "http://127.0.0.1:9/v1" });
  });

  it.each(COMMANDS)("is one there: %s", async (command) => {
    const words = command.split(" ").slice(1);
    const names = words.filter((word) => /^[a-z]+$/.test(word));
    const { code, stdout } = await runOpenClaw(profile, [...words, "--help"]);
    expect(stdout).toMatch(new RegExp(`^Usage: openclaw ${names.join(" ")}\\b`, "m"));
    expect(code).toBe(0);
  });
});
