/** The gateways that are compared: the core as it is, and with this plugin and either engine. */

export type Variant = {
  name: string;
  version: "2026.4.1" | "2026.9.6";
  /** Absent: without the plugin. */
  engine?: "pi" | "openclaw";
};

export const VARIANTS: Variant[] = [
  { name: "core 2026.4.1", version: "2026.4.1" },
  { name: "plugin, openclaw engine, 2026.4.1", version: "2026.4.1", engine: "openclaw" },
  { name: "plugin, pi engine, 2026.4.1", version: "2026.4.1", engine: "pi" },
  { name: "core 2026.9.6", version: "2026.9.6" },
  { name: "plugin, pi engine, 2026.9.6", version: "2026.9.6", engine: "pi" },
];
