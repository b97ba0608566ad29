/** Which devices are known, with which scopes, and which wait for somebody's approval. Kept in one file. */

import { randomBytes, randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

import type { PairedDevice, Pairing, PendingDevice } from "./types.ts";
import { allows } from "./wire.ts";

export type Claim = Omit<PendingDevice, "requestId">;

export type PairingReason = "not-paired" | "scope-upgrade" | "metadata-upgrade";

export class PairingStore implements Pairing {
  readonly #file: string;
  readonly #paired: Map<string, PairedDevice>;
  /** One for each device, the newest last. */
  readonly #pending: Map<string, PendingDevice>;
  #silent = true;

  constructor(file: string) {
    this.#file = file;
    const kept = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Kept) : { paired: [], pending: [] };
    this.#paired = new Map(kept.paired.map((device) => [device.deviceId, device]));
    this.#pending = new Map(kept.pending.map((device) => [device.deviceId, device]));
  }

  /**
   * A device that nobody has seen is paired unasked when it comes from this machine, with just what it asks for.
   * Whatever a known one wants beyond that has to be approved.
   */
  admit(claim: Claim, local: boolean): { device: PairedDevice } | { refused: PairingReason; requestId: string } {
    const known = this.#paired.get(claim.deviceId);
    if (known === undefined && local && this.#silent) return { device: this.#pair(claim) };
    const refused = refusal(known, claim);
    return refused === undefined ? { device: known! } : { refused, requestId: this.#ask(claim).requestId };
  }

  tokenOf(deviceId: string): string | undefined {
    return this.#paired.get(deviceId)?.token;
  }

  async paired(): Promise<PairedDevice[]> {
    return [...this.#paired.values()];
  }

  async pending(): Promise<PendingDevice[]> {
    return [...this.#pending.values()];
  }

  async approve(requestId?: string): Promise<PairedDevice> {
    const requests = [...this.#pending.values()];
    const request = requestId === undefined ? requests.at(-1) : requests.find((one) => one.requestId === requestId);
    if (request === undefined) throw new Error("unknown requestId");
    this.#pending.delete(request.deviceId);
    return this.#pair(request);
  }

  async narrow(deviceId: string, scopes: string[]): Promise<void> {
    const device = this.#paired.get(deviceId);
    if (device === undefined) throw new Error(`no device ${deviceId} is paired`);
    device.scopes = scopes;
    this.#keep();
  }

  async silent(on: boolean): Promise<void> {
    this.#silent = on;
  }

  #pair({ deviceId, publicKey, platform, scopes }: Claim): PairedDevice {
    const before = this.#paired.get(deviceId);
    const token = before?.token ?? randomBytes(32).toString("base64url");
    const device = { deviceId, publicKey, platform, scopes: union(before?.scopes ?? [], scopes), token };
    this.#paired.set(deviceId, device);
    this.#keep();
    return device;
  }

  /** Asked again for no more than is already asked for, it is the same request. */
  #ask(claim: Claim): PendingDevice {
    const before = this.#pending.get(claim.deviceId);
    if (before?.platform === claim.platform && allows(before.scopes, claim.scopes)) return before;
    const request = { ...claim, requestId: randomUUID(), scopes: union(before?.scopes ?? [], claim.scopes) };
    this.#pending.delete(claim.deviceId);
    this.#pending.set(claim.deviceId, request);
    this.#keep();
    return request;
  }

  #keep(): void {
    const kept: Kept = { paired: [...this.#paired.values()], pending: [...this.#pending.values()] };
    writeFileSync(this.#file, JSON.stringify(kept), { mode: 0o600 });
  }
}

function refusal(known: PairedDevice | undefined, claim: Claim): PairingReason | undefined {
  if (known === undefined) return "not-paired";
  if (known.platform.toLowerCase() !== claim.platform.toLowerCase()) return "metadata-upgrade";
  return allows(known.scopes, claim.scopes) ? undefined : "scope-upgrade";
}

function union(some: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...some, ...more])].sort();
}

type Kept = { paired: PairedDevice[]; pending: PendingDevice[] };
