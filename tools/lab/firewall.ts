import execa from "execa";

import { whichSystem } from "../toolchain/commands";

const programs = ["iptables", "ip6tables"] as const;
const tables = ["filter", "nat", "mangle"] as const;

/** What libvirt 9.0 makes with its first NAT network and never removes. */
const libvirtChain = /^LIBVIRT_(INP|OUT|FWX|FWI|FWO|PRT)$/;

/** Names of libvirt's chains by `PROGRAM TABLE`, for example `iptables filter`. */
export type FirewallChains = Record<string, string[]>;

/** A chain without rules, and the chains that jump to it. */
export interface UnusedChain {
  readonly chain: string;
  readonly jumpsFrom: readonly string[];
}

/**
 * Libvirt's chains that are there now. A table that cannot be listed (no such program, not root) is
 * left out: nothing is known of it.
 */
export async function libvirtChains(): Promise<FirewallChains> {
  const found: FirewallChains = {};
  for (const [key, rules] of await allRules()) {
    found[key] = chainsOf(rules);
  }
  return found;
}

/**
 * Removes libvirt's chains that were not there before and that nothing uses: rules in them belong to
 * a network that lives. Tables of which nothing was known before are left alone.
 */
export async function removeLibvirtChains(
  before: FirewallChains,
): Promise<void> {
  for (const [key, rules] of await allRules()) {
    const kept = before[key];
    if (kept === undefined) {
      continue;
    }
    const [program = "", table = ""] = key.split(" ");
    const change = (...args: string[]) =>
      iptables(program, ["--table", table, ...args]);
    const mayGo = unusedChains(rules).filter(
      ({ chain }) => !kept.includes(chain),
    );
    for (const { chain, jumpsFrom } of mayGo) {
      for (const from of jumpsFrom) {
        await change("--delete", from, "--jump", chain);
      }
      await change("--delete-chain", chain);
    }
  }
}

/** Rules that libvirt made, as lines for people: `iptables nat -N LIBVIRT_PRT`. */
export async function libvirtRules(): Promise<string[]> {
  return [...(await allRules())].flatMap(([key, rules]) =>
    rules
      .split("\n")
      .filter((rule) => /\bLIBVIRT_/.test(rule))
      .map((rule) => `${key} ${rule.trim()}`),
  );
}

/** Libvirt's chains in the rules of one table, as `iptables --list-rules` writes them. */
export function chainsOf(rules: string): string[] {
  return rules.split("\n").flatMap((line) => {
    const [kind, chain = ""] = line.trim().split(" ");
    return kind === "-N" && libvirtChain.test(chain) ? [chain] : [];
  });
}

/** Those of libvirt's chains that have no rule and are jumped to as libvirt does it, or not at all. */
export function unusedChains(rules: string): UnusedChain[] {
  const appended = rules
    .split("\n")
    .map((line) => line.trim().split(" "))
    .filter(([kind]) => kind === "-A");
  return chainsOf(rules).flatMap((chain) => {
    const own = appended.filter(([, inChain]) => inChain === chain);
    const jumps = appended.filter((words) => words.includes(chain));
    const plain = jumps.filter(
      ([, , jump, to, ...more]) =>
        jump === "-j" && to === chain && more.length === 0,
    );
    // A jump under conditions is somebody's own rule.
    return own.length > 0 || plain.length < jumps.length
      ? []
      : [{ chain, jumpsFrom: plain.map(([, from = ""]) => from) }];
  });
}

/** The rules of each table that can be listed, by `PROGRAM TABLE`. */
async function allRules(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const program of programs) {
    for (const table of tables) {
      const rules = await iptables(program, ["--table", table, "--list-rules"]);
      if (rules !== undefined) {
        found.set(`${program} ${table}`, rules);
      }
    }
  }
  return found;
}

/** What the program wrote; undefined when it is missing or failed. */
async function iptables(
  program: string,
  args: readonly string[],
): Promise<string | undefined> {
  const path = whichSystem(program);
  if (path === undefined) {
    return undefined;
  }
  const { failed, stdout } = await execa(path, ["--wait", "10", ...args], {
    env: { LC_ALL: "C" },
    reject: false,
    stdin: "ignore",
    timeout: 20_000,
  });
  return failed ? undefined : stdout;
}
