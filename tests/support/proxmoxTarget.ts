import * as net from "node:net";
import {
  type ProxmoxSimulator,
  startProxmox,
} from "@corral-iac/tools/lab/proxmox/index";

/** The Proxmox VE that tests with real guests work on: the lab's, or one that the environment names. */
export interface ProxmoxTarget {
  readonly endpoint: string;
  readonly apiToken: string;
  readonly node: string;
  /** Name of a template with cloud-init and the guest agent. */
  readonly template: string;
  readonly storage: string;
  readonly bridge: string;
  /** Address of this machine as guests reach it. */
  readonly hostAddress: string;
  /** Undefined: a real Proxmox VE. */
  readonly simulator: ProxmoxSimulator | undefined;
  stop(): Promise<void>;
}

/**
 * Opens the Proxmox VE of CORRAL_TEST_PROXMOX_ENDPOINT, _TOKEN and _NODE, where they are set
 * (docs/proxmox-verified.md), else starts the lab's with real guests.
 *
 * @param cidr network of the lab's guests.
 */
export async function openProxmox(cidr: string): Promise<ProxmoxTarget> {
  const setting = (name: string) =>
    process.env[`CORRAL_TEST_PROXMOX_${name}`] ?? "";
  const endpoint = setting("ENDPOINT");
  if (endpoint !== "") {
    for (const name of ["TOKEN", "NODE"]) {
      if (setting(name) === "") {
        throw new Error(
          `CORRAL_TEST_PROXMOX_ENDPOINT is set, and CORRAL_TEST_PROXMOX_${name} is not`,
        );
      }
    }
    return {
      endpoint,
      apiToken: setting("TOKEN"),
      node: setting("NODE"),
      template: setting("TEMPLATE") || "debian12",
      storage: setting("STORAGE") || "local-lvm",
      bridge: setting("BRIDGE") || "vmbr0",
      hostAddress: await ownAddressTowards(new URL(endpoint)),
      simulator: undefined,
      stop: () => Promise.resolve(),
    };
  }
  const simulator = await startProxmox({ guests: "libvirt", cidr });
  const [bridge] = simulator.bridges;
  return {
    endpoint: simulator.endpoint,
    apiToken: simulator.apiToken,
    node: "pve",
    template: "debian12",
    storage: "local-lvm",
    bridge: bridge?.name ?? "vmbr0",
    hostAddress: bridge?.gateway ?? "",
    simulator,
    stop: () => simulator.stop(),
  };
}

/** The address that this machine has on its way to the server. */
function ownAddressTowards({ hostname, port }: URL): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port || "8006"), hostname, () => {
      resolve(socket.localAddress ?? "");
      socket.destroy();
    });
    socket.on("error", reject);
  });
}
