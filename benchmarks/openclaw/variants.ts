/** The gateways that are compared: the core as it is, and with this plugin, which is then called by its engine. */

/** Each is compared by itself. */
export const VERSIONS = ["2026.4.1", "2026.9.6"] as const;

export type Version = (typeof VERSIONS)[number];

export type Variant = {
  name: string;
  version: Version;
  /** Absent: without the plugin. */
  engine?: "pi" | "openclaw";
  /** The model calls `sessions_spawn_inprocess`, which the settings let through; only what that changes is measured. */
  ownTool?: true;
};

const VARIANTS: Variant[] = [
  { name: "core 2026.4.1", version: "2026.4.1" },
  { name: "openclaw, 2026.4.1", version: "2026.4.1", engine: "openclaw" },
  { name: "pi, 2026.4.1", version: "2026.4.1", engine: "pi" },
  { name: "openclaw, own tool", version: "2026.4.1", engine: "openclaw", ownTool: true },
  { name: "pi, own tool", version: "2026.4.1", engine: "pi", ownTool: true },
  { name: "core 2026.9.6", version: "2026.9.6" },
  { name: "pi, 2026.9.6", version: "2026.9.6", engine: "pi" },
];

export function variantsOf(...versions: Version[]): Variant[] {
  return VARIANTS.filter(({ version }) => versions.includes(version));
}
