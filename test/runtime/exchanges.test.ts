import { describe, expect, it } from "vitest";

import type { Host, SendOptions } from "../../src/host.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { gate, MAIN, startRuntime, tempFolder } from "../helpers/runtime-fixture.ts";

const OPS = "agent:ops:main";

type Sent = { to: string; message: string } & Pick<SendOptions, "from" | "step">;
/** What a session answers to a message. */
type Answers = (sent: Sent) => string | undefined | Promise<string | undefined>;

describe("two sessions, once one has answered the other's message,", () => {
  it("go on for five turns, each told the other's last answer", async () => {
    let count = 0;
    const { send, sent, announced } = await sessions(() => `answer ${(count += 1)}`);
    expect(await send("hello")).toMatchObject({ status: "ok", reply: "answer 1" });
    await expect.poll(() => announced).toHaveLength(1);
    expect(sent.map(({ to, from, step }) => [to, from, step])).toEqual([
      [OPS, MAIN, undefined],
      [MAIN, OPS, "reply"],
      [OPS, MAIN, "reply"],
      [MAIN, OPS, "reply"],
      [OPS, MAIN, "reply"],
      [MAIN, OPS, "reply"],
      [OPS, MAIN, "announce"],
    ]);
    for (const [turn, { message }] of sent.slice(1, 6).entries()) {
      expect(message).toMatch(new RegExp(`^answer ${turn + 1}\\n\\n\\[Turn ${turn + 1} of 5 .*REPLY_SKIP`));
    }
    expect(sent[6]!.message).toMatch(/ANNOUNCE_SKIP.*hello.*answer 1.*answer 6/s);
    expect(announced).toEqual([[OPS, "answer 7"]]);
  });

  it.each<[string, string | undefined, number]>([
    ["with REPLY_SKIP", " REPLY_SKIP\n", 1],
    ["with nothing", undefined, 1],
    ["with white space", "  ", 1],
  ])("stop when one answers %s", async (_how, last, turns) => {
    const { send, sent, announced } = await sessions(({ step }) =>
      step === "reply" ? last : step === "announce" ? "told" : "yes",
    );
    await send("hello");
    await expect.poll(() => announced).toEqual([[OPS, "told"]]);
    expect(sent.filter(({ step }) => step === "reply")).toHaveLength(turns);
  });

  it("don't even begin when the first answer is REPLY_SKIP", async () => {
    const { send, sent, announced } = await sessions(({ step }) => (step === "announce" ? "told" : "REPLY_SKIP"));
    expect(await send("hello")).toMatchObject({ status: "ok" });
    await expect.poll(() => announced).toHaveLength(1);
    expect(sent.map(({ step }) => step)).toEqual([undefined, "announce"]);
  });

  it("keep it to themselves with ANNOUNCE_SKIP, and where the host has no channels nobody is asked", async () => {
    const quiet = await sessions(({ step }) =>
      step === undefined ? "yes" : step === "reply" ? undefined : "ANNOUNCE_SKIP",
    );
    await quiet.send("hello");
    await expect.poll(() => quiet.sent.at(-1)!.step).toBe("announce");
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(quiet.announced).toEqual([]);
    const bare = await sessions(({ step }) => (step === undefined ? "yes" : undefined), false);
    await bare.send("hello");
    await expect.poll(() => bare.sent).toHaveLength(2);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(bare.sent).toHaveLength(2);
  });

  it("have one exchange at a time, however much they send within it", async () => {
    const within: (() => Promise<unknown>)[] = [];
    const { send, sent, announced } = await sessions(async ({ step }) => {
      if (step === "reply") await within.shift()?.();
      return step === "reply" ? "REPLY_SKIP" : "yes";
    });
    within.push(() => send("and another thing"));
    await send("hello");
    await expect.poll(() => announced).toHaveLength(1);
    expect(sent.map(({ step }) => step)).toEqual([undefined, "reply", undefined, "announce"]);
  });

  it("say no more once the runtime is closed, and a host that fails ends it", async () => {
    const closed = gate();
    const { send, sent, announced, runtime } = await sessions(async ({ step }) => {
      if (step === "reply") {
        await runtime.close();
        closed.open();
      }
      return "yes";
    });
    await send("hello");
    await closed.opened;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect([sent.length, announced]).toEqual([2, []]);

    const failing = await sessions(({ step }) => {
      if (step === "reply") throw new Error("no such session any more");
      return "yes";
    });
    expect(await failing.send("hello")).toMatchObject({ status: "ok" });
    expect(await failing.send("again")).toMatchObject({ status: "ok" });
  });

  it("have none when no answer came in time", async () => {
    const { send, sent } = await sessions(() => undefined);
    expect(await send("hello")).toMatchObject({ status: "timeout" });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(sent).toHaveLength(1);
  });
});

async function sessions(answers: Answers, withChannels = true) {
  const host: RecordingHost & Pick<Host, "sendTo" | "announceIn"> = new RecordingHost(tempFolder());
  const sent: Sent[] = [];
  const announced: [sessionKey: string, text: string][] = [];
  host.sendTo = async (to, message, { from, step }) => {
    const one = { to, message, from, ...(step === undefined ? {} : { step }) };
    sent.push(one);
    const reply = await answers(one);
    return reply === undefined ? {} : { reply };
  };
  if (withChannels) host.announceIn = async (sessionKey, text) => void announced.push([sessionKey, text]);
  const { runtime, requester } = await startRuntime({ engine: "by-task", host });
  const send = (message: string) => runtime.send({ sessionKey: OPS, message, timeoutSeconds: 5 }, requester);
  return { runtime, sent, announced, send };
}
