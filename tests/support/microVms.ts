import assert from "node:assert/strict";
import type { GuestConnection } from "@corral-iac/corral";
import { hostPaths, networkPaths } from "@corral-iac/corral/core/microvm/paths";
import { SshPool } from "@corral-iac/corral-ops/ssh/pool";
import type { SshTarget } from "@corral-iac/corral-ops/ssh/target";
import { ensureTinyGuest } from "@corral-iac/tools/lab/host/images";
import type { LabHost } from "@corral-iac/tools/lab/host/labHost";
import type { Declared, OpsProgram } from "../engine/provider/opsProgram";

/** A network of machines on a host of the lab. */
export interface TestNetwork {
  readonly name: string;
  readonly subnet: string;
  readonly gateway: string;
}

/** What a network's own part does, and no more: machines hang themselves into its maps. */
function networkRules(name: string): string {
  return `table inet corral_${name} {
  map from_machine { type ifname : verdict; }
  map to_machine { type ifname : verdict; }
  chain prerouting { type filter hook prerouting priority raw; policy accept; }
  chain forward { type filter hook forward priority filter; policy accept; }
}
table arp corral_${name} {
  map from_machine { type ifname : verdict; }
  chain input { type filter hook input priority filter; policy accept; }
}
flush chain inet corral_${name} prerouting
flush chain inet corral_${name} forward
flush chain arp corral_${name} input
add rule inet corral_${name} prerouting iifname vmap @from_machine
add rule inet corral_${name} forward oifname vmap @to_machine
add rule arp corral_${name} input iifname vmap @from_machine
`;
}

/** Makes the network by hand, so that a test of machines is about machines alone. */
export async function makeTestNetwork(
  host: LabHost,
  { name }: TestNetwork,
): Promise<void> {
  const { folder, record, rules, leases, lock } = networkPaths(name, hostPaths);
  await host.exec(
    `set -e
mkdir -p ${leases} /run/corral-microvm
: > ${lock}
echo '{}' > ${record}
cat > ${rules}
cat > /etc/systemd/system/corral-microvm-network-${name}.service <<'END'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=nft -f ${folder}/network.nft
ExecStart=sysctl -q -w net.ipv4.ip_forward=1
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable --quiet --now corral-microvm-network-${name}.service`,
    { input: networkRules(name) },
  );
}

/** A host of the lab, as {@link OpsProgram} declares it. */
export function labMicroVmHost(
  host: LabHost,
  name: string,
  args: Record<string, unknown>,
): Declared {
  const { privateKey, ...connection } = host.connection;
  return {
    type: "MicroVmHost",
    folder: "microvm",
    name,
    args: {
      ...connection,
      privateKey: { $secret: privateKey },
      accelerator: "tcg",
      ...args,
    },
  };
}

/**
 * A MicroVm of the lab's tiny guest, as {@link OpsProgram} declares it.
 *
 * @param host what is given as the component's `host`.
 */
export async function tinyMachineOn(
  host: object,
  name: string,
  args: Record<string, unknown> = {},
): Promise<Declared> {
  const guest = await ensureTinyGuest();
  return {
    type: "MicroVm",
    folder: "microvm",
    name,
    args: {
      host,
      hypervisor: "qemu",
      memoryMib: 96,
      kernel: { file: guest.kernel },
      initrd: { file: guest.initrd },
      ready: { timeoutSeconds: 120 },
      stopTimeoutSeconds: 15,
      ...args,
    },
  };
}

/** A MicroVm of the lab's tiny guest in a network that was made by hand. */
export async function tinyMachine(
  host: LabHost,
  network: TestNetwork,
  name: string,
  args: Record<string, unknown> = {},
): Promise<Declared> {
  const { hostKey, ...connection } = host.connection;
  const place = {
    connection: { ...connection, hostKey: hostKey.trim() },
    network: network.name,
    subnet: network.subnet,
    gateway: network.gateway,
    acceleration: "tcg",
  };
  return tinyMachineOn(place, name, args);
}

/** The outputs of a MicroVm in a program's state. */
export interface MachineOutputs {
  readonly name: string;
  readonly address: string;
  readonly macAddress: string;
  readonly unitName: string;
  readonly connection: GuestConnection;
}

export async function outputsOf(
  program: OpsProgram,
  name: string,
): Promise<MachineOutputs> {
  const run = await program.run("stack", "output", "--json", "--show-secrets");
  assert.equal(run.exitCode, 0, run.output);
  const all = JSON.parse(run.output) as Record<string, MachineOutputs>;
  return all[name] ?? assert.fail(`the stack has no output ${name}`);
}

/**
 * Runs a command in a guest, through its host. Over a connection of its own: that to a guest whose
 * hypervisor was killed stays open and says nothing.
 *
 * @returns what the command wrote, and its exit code.
 */
export async function runInGuest(
  { connection }: Pick<MachineOutputs, "connection">,
  command: string,
): Promise<{ readonly code: number | undefined; readonly stdout: string }> {
  const pool = new SshPool(1, { connectSeconds: 5, handshakeSeconds: 20 });
  const signal = AbortSignal.timeout(60_000);
  try {
    return await pool.use(connection as SshTarget, signal, (session) =>
      session.exec(command, { signal, timeoutSeconds: 50 }),
    );
  } finally {
    pool.close();
  }
}
