/**
 * What is changed in dependencies on their way into the worker, and why.
 *
 * Three reasons recur. *Linear*: pi-ai parses the arguments of a tool call again at every streamed piece, which
 * makes 200 KB of arguments cost seconds; the parse at the end of the block, which stays, is the only one anybody
 * reads. *No environment*: the worker gets its keys over the channel, so nothing may look for others in variables,
 * profiles or metadata services. *Not needed*: parts of a client that start processes and that no model call uses.
 */

import type { ModulePatch } from "./bundle-plugins.ts";

const PI_API = "@earendil-works/pi-ai/dist/api";
const LINEAR = "one parse a tool call instead of one a delta";
const NO_ENV = "no environment in the worker";
const UNUSED = "not needed to call a model";

export const WORKER_PATCHES: ModulePatch[] = [
  {
    module: `${PI_API}/openai-completions.js`,
    why: LINEAR,
    edits: [
      {
        from: `toolCall.function.arguments;
                                block.arguments = parseStreamingJson(block.partialArgs);`,
        to: "toolCall.function.arguments;",
      },
    ],
  },
  {
    module: `${PI_API}/anthropic-messages.js`,
    why: LINEAR,
    edits: [
      {
        from: `event.delta.partial_json;
                            block.arguments = parseStreamingJson(block.partialJson);`,
        to: "event.delta.partial_json;",
      },
    ],
  },
  {
    module: `${PI_API}/openai-responses-shared.js`,
    why: LINEAR,
    edits: [
      {
        from: `slot.block.partialJson += event.delta;
            slot.block.arguments = parseStreamingJson(slot.block.partialJson);`,
        to: "slot.block.partialJson += event.delta;",
      },
    ],
  },
  {
    module: `${PI_API}/mistral-conversations.js`,
    why: LINEAR,
    edits: [
      {
        from: `+ argsDelta;
            block.arguments = parseStreamingJson(block.partialArgs);`,
        to: "+ argsDelta;",
      },
    ],
  },
  {
    module: `${PI_API}/bedrock-converse-stream.js`,
    why: LINEAR,
    edits: [
      {
        from: `(delta.toolUse.input || "");
        block.arguments = parseStreamingJson(block.partialJson);`,
        to: `(delta.toolUse.input || "");`,
      },
    ],
  },
  {
    // Compared and copied by way of JSON, several times a model call. The tools here are plain data that nobody changes.
    module: "@earendil-works/pi-ai/dist/utils/transcript.js",
    why: "tools are compared by identity first, and never copied",
    edits: [
      { from: "parameters: JSON.parse(JSON.stringify(tool.parameters)),", to: "parameters: tool.parameters," },
      {
        from: "return JSON.stringify(toToolDeclaration(left)) === JSON.stringify(toToolDeclaration(right));",
        to: `return (
        (left.name === right.name && left.description === right.description && left.parameters === right.parameters) ||
        JSON.stringify(toToolDeclaration(left)) === JSON.stringify(toToolDeclaration(right))
    );`,
      },
    ],
  },
  {
    // The compiled validator is made from text at run time; checking step by step gives the same answers. `Convert` acts
    // on TypeBox types alone: what the tools have is plain JSON Schema, whose values pi converts itself.
    module: "@earendil-works/pi-ai/dist/utils/validation.js",
    why: "no code made from text",
    edits: [
      {
        from: `import { Compile } from "typebox/compile";
import { Value } from "typebox/value";`,
        to: `import { Check, Errors } from "typebox/schema";
const Value = { Convert() {} };
const Compile = (schema) => ({ Check: (value) => Check(schema, value), Errors: (value) => Errors(schema, value)[1] });`,
      },
    ],
  },
  {
    module: "@earendil-works/pi-ai/dist/utils/provider-env.js",
    why: NO_ENV,
    contents: `export function getProviderEnvValue(name, env) { return env?.[name] || undefined; }`,
  },
  { module: "openai/internal/utils/env.mjs", why: NO_ENV, contents: `export const readEnv = () => undefined;` },
  {
    module: "@anthropic-ai/sdk/internal/utils/env.mjs",
    why: NO_ENV,
    contents: `export const readEnv = () => undefined;`,
  },
  {
    module: "openai/client.mjs",
    why: NO_ENV,
    edits: [{ from: `"process.env['OPENAI_LOG']"`, to: `"OPENAI_LOG"` }],
  },
  {
    module: "@anthropic-ai/sdk/client.mjs",
    why: NO_ENV,
    edits: [{ from: `"process.env['ANTHROPIC_LOG']"`, to: `"ANTHROPIC_LOG"` }],
  },
  {
    module: "@anthropic-ai/sdk/internal/utils/log.mjs",
    why: NO_ENV,
    edits: [{ from: `"process.env['ANTHROPIC_LOG']"`, to: `"ANTHROPIC_LOG"` }],
  },
  {
    // Credentials of a profile in the user's home, looked for when a call has no key of its own.
    module: "@anthropic-ai/sdk/lib/credentials/credential-chain.mjs",
    why: NO_ENV,
    contents: `export const defaultCredentials = async () => null;
export const resolveCredentialsFromConfig = () => { throw new Error("Credentials come with the model here, not from a profile."); };`,
  },
  {
    // Hosted agent environments, which bring a tool set that runs a shell.
    module: "@anthropic-ai/sdk/resources/beta/environments/environments.mjs",
    why: UNUSED,
    contents: `export class Environments {}`,
  },
  {
    module: "@anthropic-ai/sdk/lib/tools/SessionToolRunner.mjs",
    why: UNUSED,
    contents: `export class SessionToolRunner {}`,
  },
  {
    // Google's own build for places without Node's modules: the API key in a header, no gcloud, no metadata service.
    module: "@google/genai/dist/node/index.mjs",
    why: NO_ENV,
    contents: `export * from "../web/index.mjs";`,
  },
  {
    module: "@google/genai/dist/web/index.mjs",
    why: NO_ENV,
    edits: [
      {
        from: "(_f = (_e = globals.process) === null || _e === void 0 ? void 0 : _e.env) !== null && _f !== void 0 ? _f : {}",
        to: "{}",
      },
    ],
  },
  {
    // Keys and settings of profiles, of commands a profile names, and of metadata services. What is left is the API key.
    module: "@aws-sdk/client-bedrock-runtime/dist-es/runtimeConfig.js",
    why: NO_ENV,
    edits: [
      {
        from: `import { defaultProvider as credentialDefaultProvider } from "@aws-sdk/credential-provider-node";`,
        to: `const noCredentials = async () => { throw new Error("A Bedrock model needs a Bedrock API key as its apiKey here: AWS profiles and variables aren't read."); };
const credentialDefaultProvider = () => noCredentials;`,
      },
      {
        from: `import { fromEnvSigningName, nodeProvider } from "@aws-sdk/token-providers";`,
        to: `const fromEnvSigningName = () => noCredentials, nodeProvider = () => noCredentials;`,
      },
      {
        from: "loadConfig as loadNodeConfig, ",
        to: "",
      },
      {
        from: "export const getRuntimeConfig",
        to: `const loadNodeConfig = ({ default: value }) => async () => (typeof value === "function" ? value() : value);
export const getRuntimeConfig`,
      },
    ],
  },
  {
    // Settings of a profile in the user's home: the client that is left asks for none of them.
    module: "@smithy/core/dist-es/submodules/config/shared-ini-file-loader/loadSharedConfigFiles.js",
    why: NO_ENV,
    contents: `export { CONFIG_PREFIX_SEPARATOR } from "./constants";
export const loadSharedConfigFiles = async () => ({ configFile: {}, credentialsFile: {} });`,
  },
  {
    module: "@smithy/core/dist-es/submodules/endpoints/middleware-endpoint/adaptors/getEndpointFromConfig.js",
    why: NO_ENV,
    contents: `export const getEndpointFromConfig = async () => undefined;`,
  },
  {
    // Printed only when a variable asks for it, and the worker has no variables. The error itself is thrown on, as before.
    module: "@openclaw/fs-safe/dist/root-impl.js",
    why: "warnings that nothing can switch on in the worker",
    edits: [
      { from: "emitWriteBoundaryWarning(`post-write verification failed: ${String(error)}`);", to: "" },
      {
        from: "onVerificationFailure: err => emitWriteBoundaryWarning(`post-write verification failed: ${String(err)}`),",
        to: "onVerificationFailure() {},",
      },
    ],
  },
];
