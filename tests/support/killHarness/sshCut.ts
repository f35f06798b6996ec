import type { LabHost } from "@corral-iac/tools/lab/host/labHost";

const TABLE = "inet lab_cut";

/** Drops every packet of ssh between the host and this machine, in both directions. */
export async function cutSsh(host: LabHost): Promise<void> {
  await host.exec("nft -f -", {
    input: `table ${TABLE} {
  chain in { type filter hook input priority -400; iifname host0 tcp dport 22 drop; }
  chain out { type filter hook output priority -400; oifname host0 tcp sport 22 drop; }
}
`,
  });
}

/** Lets them pass again. */
export async function mendSsh(host: LabHost): Promise<void> {
  await host.exec(`nft delete table ${TABLE} 2>/dev/null || true`);
}
