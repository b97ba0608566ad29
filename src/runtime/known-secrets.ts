/**
 * What the models of this process's runs were called with, so that it is found again in what those runs have said: a
 * settled run has no model any more, and no key is ever written. Kept in memory alone, those handed out last.
 */

import { setTimeout as delay } from "node:timers/promises";
import type { Host } from "../host.ts";
import type { RunRow } from "../registry/run-row.ts";
import type { ResolvedModel } from "../types.ts";
import type { Parts } from "./parts.ts";
import { chooseModel } from "./model-choice.ts";

export class KnownSecrets {
  readonly #values: Recent;
  /** Models whose secrets are among them, by agent. */
  readonly #models: Recent;

  /** @param limit how many are kept, of secrets and of models each */
  constructor(limit = LIMIT) {
    this.#values = new Recent(limit);
    this.#models = new Recent(limit);
  }

  /** A model is about to be called for an agent's run: its secrets and its fallbacks'. */
  add(model: ResolvedModel, agentId: string): void {
    this.asked(`${model.provider}/${model.id}`, agentId);
    for (const secret of ownSecrets(model)) this.#values.add(secret);
    for (const fallback of model.fallbacks ?? []) this.add(fallback, agentId);
  }

  /** The host has told what this model is called with now. */
  asked(ref: string, agentId: string): void {
    this.#models.add(`${agentId} ${ref}`);
  }

  has(ref: string, agentId: string): boolean {
    return this.#models.has(`${agentId} ${ref}`);
  }

  /** Exact values, the latest last. */
  all(): string[] {
    return this.#values.all();
  }
}

/**
 * Every secret that a run's transcript may hold, as far as it can be known. For a model that this process hasn't called
 * (the run is of an earlier process, or of another one) the host is asked for the keys that it and its agent's models
 * have now, once; that takes 2 s at most and never fails.
 */
export async function secretsFor(
  { secrets, config, host, live }: Pick<Parts, "secrets" | "config" | "host" | "live">,
  { runId, model, agentId }: Pick<RunRow, "runId" | "model" | "agentId">,
): Promise<string[]> {
  if (model === undefined || live.get(runId) !== undefined || secrets.has(model, agentId)) return secrets.all();
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const patient: Pick<Host, "resolveModel"> = {
    resolveModel: async (ref, agent, options) => host.resolveModel(ref, agent, { ...options, signal }),
  };
  const learn = (answered: ResolvedModel): void => {
    secrets.add(answered, agentId);
    // The one that answered may have a name of its own.
    secrets.asked(model, agentId);
  };
  const learnt = Promise.allSettled([
    patient.resolveModel(model, agentId).then(learn),
    chooseModel(config, patient, agentId, {}, {}).then((chosen) => learn(chosen.model)),
  ]);
  // A host needn't heed the signal.
  await Promise.race([learnt, delay(PATIENCE_MS, undefined, { ref: false })]);
  return secrets.all();
}

function ownSecrets({ apiKey, headers = {}, env = {} }: ResolvedModel): string[] {
  const inHeaders = Object.entries(headers).filter(([name, value]) => SECRET_HEADER.test(name) || looksRandom(value));
  const inEnv = Object.entries(env).filter(([name]) => SECRET_VARIABLE.test(name));
  return [
    ...(apiKey === undefined ? [] : [apiKey]),
    // `Bearer <token>`: the token may stand alone.
    ...inHeaders.flatMap(([, value]) => [value, ...value.split(/\s+/).slice(1)]),
    ...inEnv.map(([, value]) => value),
  ];
}

/** One word of letters and digits, too long for a version or a region. */
function looksRandom(value: string): boolean {
  return value.length >= 20 && !/\s/.test(value) && /\d/.test(value) && /[a-z]/i.test(value);
}

/** A set that forgets what was added longest ago. */
class Recent {
  readonly #values = new Set<string>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(value: string): void {
    this.#values.delete(value);
    this.#values.add(value);
    const [oldest] = this.#values;
    if (this.#values.size > this.#limit && oldest !== undefined) this.#values.delete(oldest);
  }

  has(value: string): boolean {
    return this.#values.has(value);
  }

  all(): string[] {
    return [...this.#values];
  }
}

/** Keys change by the hour where they are signed in for; more than this many at once nobody has. */
const LIMIT = 256;
const PATIENCE_MS = 2000;
const SECRET_HEADER = /auth|key|token|secret|passw|cookie|cred|session|signature/i;
const SECRET_VARIABLE = /KEY|TOKEN|SECRET|PASSW/i;
