import execa from "execa";

/** Chains that libvirt 9.0 makes with its first NAT network and never removes. */
const chains = [
  { table: "filter", from: "INPUT", chain: "LIBVIRT_INP" },
  { table: "filter", from: "OUTPUT", chain: "LIBVIRT_OUT" },
  { table: "filter", from: "FORWARD", chain: "LIBVIRT_FWX" },
  { table: "filter", from: "FORWARD", chain: "LIBVIRT_FWI" },
  { table: "filter", from: "FORWARD", chain: "LIBVIRT_FWO" },
  { table: "nat", from: "POSTROUTING", chain: "LIBVIRT_PRT" },
  { table: "mangle", from: "POSTROUTING", chain: "LIBVIRT_PRT" },
] as const;

const programs = ["iptables", "ip6tables"] as const;

/** Whether libvirt's chains are there, empty or not. Not known (false) without root. */
export async function hasLibvirtChains(): Promise<boolean> {
  return succeeds("iptables", [
    "--table",
    "filter",
    "--list-rules",
    "LIBVIRT_INP",
  ]);
}

/** Removes libvirt's chains where they are empty: rules in them belong to a network that lives. */
export async function removeLibvirtChains(): Promise<void> {
  for (const program of programs) {
    for (const { table, from, chain } of chains) {
      const rules = await execa(
        program,
        ["--table", table, "--list-rules", chain],
        { reject: false },
      );
      // The first line declares the chain itself.
      if (
        rules.exitCode === 0 &&
        rules.stdout.trim().split("\n").length === 1
      ) {
        await succeeds(program, [
          "--table",
          table,
          "--delete",
          from,
          "--jump",
          chain,
        ]);
        await succeeds(program, ["--table", table, "--delete-chain", chain]);
      }
    }
  }
}

async function succeeds(
  program: string,
  args: readonly string[],
): Promise<boolean> {
  const { exitCode } = await execa(program, ["--wait", "10", ...args], {
    reject: false,
    stdin: "ignore",
    timeout: 20_000,
  });
  return exitCode === 0;
}
