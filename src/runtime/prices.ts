/**
 * A limit in US dollars holds only for models whose prices are known. The engine `pi` knows them from the model alone;
 * any other tells itself what a call has cost, so nothing is said here of its models.
 */

import type { Config } from "../config.ts";
import { InprocessError } from "../errors.ts";
import type { ResolvedModel } from "../types.ts";
import type { Parts } from "./parts.ts";
import type { Asked } from "./preparations.ts";

/** `provider/id` of a model, itself or one of its fallbacks, that costs nobody knows what. Prices of 0 are known ones. */
export function unpriced(config: Config, model: ResolvedModel): string | undefined {
  if (config.subagents.engine !== "pi") return undefined;
  const found = [model, ...(model.fallbacks ?? [])].find(({ cost }) => cost === undefined);
  return found === undefined ? undefined : `${found.provider}/${found.id}`;
}

/**
 * For a budget given with the spawn, or with that of one above: whoever set such a limit relies on it.
 * @throws InprocessError `params_invalid` for its own, `budget` for one above
 */
export function requirePrices(
  { config, registry, live }: Pick<Parts, "config" | "registry" | "live">,
  { params, requester }: Pick<Asked, "params" | "requester">,
  model: ResolvedModel,
): void {
  const ref = unpriced(config, model);
  if (ref === undefined) return;
  // Budgets are counted of live runs alone.
  const above = live.ofSession(requester.sessionKey);
  const budgets = above === undefined ? [] : registry.budgets.accountsOf(above.id);
  const given = [params.budget, ...budgets.flatMap(({ of, limits }) => (of === "run" ? [limits] : []))];
  if (given.every((limits) => limits?.usd === undefined)) return;
  throw new InprocessError(
    params.budget?.usd === undefined ? "budget" : "params_invalid",
    `A budget in US dollars (usd) can't be held: no prices are known of ${ref}; ${WHAT_TO_DO}, or choose another model.`,
  );
}

/** For the configured budget of a tree, under which a run goes on all the same. */
export function unpricedWarning(ref: string): string {
  return `a budget in US dollars (usd) doesn't count what ${ref} uses, for no prices are known of it; ${WHAT_TO_DO}`;
}

const WHAT_TO_DO = "set its cost under models.providers, or limit tokens instead";
