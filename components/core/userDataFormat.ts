import { parse } from "yaml";

/** How raw user-data becomes a part of a multi-part archive. */
export interface UserDataFormat {
  readonly mimeType: string;
  /** The text is a MIME archive itself: it brings its own headers. */
  readonly isArchive: boolean;
}

/**
 * cloud-init tells the formats of user-data apart by how the text begins
 * (https://cloudinit.readthedocs.io/en/latest/explanation/format.html). Longer beginnings stand
 * before the shorter ones that they begin with.
 */
const BEGINNINGS: readonly (readonly [string, string])[] = [
  ["#cloud-config-archive", "text/cloud-config-archive"],
  ["#cloud-config-jsonp", "text/cloud-config-jsonp"],
  ["#cloud-config", "text/cloud-config"],
  ["#cloud-boothook", "text/cloud-boothook"],
  ["#include-once", "text/x-include-once-url"],
  ["#include", "text/x-include-url"],
  ["#part-handler", "text/part-handler"],
  ["## template: jinja", "text/jinja2"],
  ["#!", "text/x-shellscript"],
];

/** The format of raw user-data; undefined when cloud-init would not know what it is. */
export function userDataFormat(userData: string): UserDataFormat | undefined {
  const text = userData.trimStart().toLowerCase();
  if (/^[a-z-]+:/.test(text) && text.slice(0, 4096).includes("mime-version:")) {
    return { mimeType: "multipart/mixed", isArchive: true };
  }
  const mimeType = BEGINNINGS.find(([beginning]) =>
    text.startsWith(beginning),
  )?.[1];
  return mimeType === undefined ? undefined : { mimeType, isArchive: false };
}

/** What raw user-data declares, as far as Corral has to know it. */
export interface RawDeclarations {
  /** Names of the users; undefined when it leaves the users as they are. */
  readonly userNames?: readonly string[];
  /** Whether it brings ssh host keys. */
  readonly hasHostKeys: boolean;
}

/** Looks into raw user-data that is a plain cloud-config; of all others it knows nothing. */
export function rawDeclarations(userData: string): RawDeclarations {
  const config =
    userDataFormat(userData)?.mimeType === "text/cloud-config"
      ? parsed(userData)
      : undefined;
  if (typeof config !== "object" || config === null) {
    return { hasHostKeys: false };
  }
  const { users, ssh_keys: hostKeys } = config as Record<string, unknown>;
  return {
    userNames: Array.isArray(users) ? users.flatMap(userNames) : undefined,
    hasHostKeys: hostKeys !== undefined,
  };
}

function userNames(user: unknown): string[] {
  if (typeof user === "string") {
    return [user];
  }
  const name = (user as { name?: unknown } | null)?.name;
  return typeof name === "string" ? [name] : [];
}

function parsed(yaml: string): unknown {
  try {
    return parse(yaml, { version: "1.1", logLevel: "error" });
  } catch {
    // The guest's cloud-init will say so, with the line.
    return undefined;
  }
}
