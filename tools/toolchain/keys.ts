import * as crypto from "node:crypto";
import * as path from "node:path";

import { goBuildFlags, type PiecePin, type Platform } from "./pins";

/** The committed files that pin every module of a piece's build. */
export interface ModuleFiles {
  readonly goMod: string;
  readonly goSum: string;
  /** Go sources of our own beside them, each as its path and its text, in a fixed order. */
  readonly sources?: readonly (readonly [file: string, text: string])[];
}

/**
 * The short hash that names a piece's folder in the cache. It changes when anything changes that
 * can change the binary: version, platform, recipe, go.mod, go.sum.
 */
export function pieceKey(
  pin: PiecePin,
  files: ModuleFiles,
  platform: Platform,
): string {
  return shortHash([
    pin.version,
    pin.binary,
    platform.os,
    platform.arch,
    pin.go.package,
    JSON.stringify(pin.go.variables ?? {}),
    // Left out where there are none, so that the keys of before stay.
    ...(pin.go.embeds ? [JSON.stringify(pin.go.embeds)] : []),
    ...(pin.go.amd64As ? [pin.go.amd64As] : []),
    ...goBuildFlags,
    files.goMod,
    files.goSum,
    ...(files.sources ?? []).flat(),
  ]);
}

/** The short hash that names `PULUMI_HOME`: over the keys of what Pulumi uses, in the table's order. */
export function homeKey(pieceKeys: readonly string[]): string {
  return shortHash(pieceKeys);
}

function shortHash(parts: readonly string[]): string {
  const hash = crypto.createHash("sha256");
  for (const part of parts) {
    // The length keeps apart lists whose joined texts are equal.
    hash.update(`${Buffer.byteLength(part)}:`).update(part);
  }
  return hash.digest("hex").slice(0, 16);
}

/** Go's and the registries' words for the machine. */
export function platformOf(
  nodePlatform: string,
  nodeArch: string,
): Platform | undefined {
  const arch = { x64: "amd64", arm64: "arm64" }[nodeArch];
  const os = { linux: "linux", darwin: "darwin" }[nodePlatform];
  return arch && os ? { os, arch } : undefined;
}

/** Where a finished binary stands inside `PULUMI_HOME`, as a path relative to it. */
export function placeInHome(pin: PiecePin, platform: Platform): string {
  switch (pin.place.kind) {
    case "bin":
    case "tool":
      return path.join("bin", pin.binary);
    case "plugin":
      return path.join(
        "plugins",
        `resource-${pin.place.plugin}-v${pin.version}`,
        pin.binary,
      );
    case "terraformProvider":
      // The folder in which pulumi-terraform-bridge looks first (dynamic/internal/shim/run).
      return path.join(
        "dynamic_tf_plugins",
        "registry.opentofu.org",
        pin.place.namespace,
        pin.place.provider,
        pin.version,
        `${platform.os}_${platform.arch}`,
        pin.binary,
      );
  }
}

/** `folder` in front of a search path, without doubles of it further behind. */
export function pathWith(folder: string, searchPath: string): string {
  const rest = searchPath
    .split(path.delimiter)
    .filter((entry) => entry !== "" && entry !== folder);
  return [folder, ...rest].join(path.delimiter);
}
