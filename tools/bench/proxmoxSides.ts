import * as fs from "node:fs";
import * as path from "node:path";
import { stringify } from "yaml";
import type { ProxmoxSimulator } from "../lab/proxmox";
import { PulumiStack, type StackCommand } from "../stack/pulumiStack";
import type { Toolchain } from "../toolchain";
import { machineNames } from "./machines";

/** What is measured on each side, in this order. */
export const PROXMOX_OPERATIONS = [
  "create",
  "no-op up",
  "refresh",
  "destroy",
] as const;
export type ProxmoxOperation = (typeof PROXMOX_OPERATIONS)[number];

export const CORRAL = "Corral";
export const BARE = "bare provider";
export const PROXMOX_SIDES = [CORRAL, BARE] as const;
export type ProxmoxSideName = (typeof PROXMOX_SIDES)[number];

/** One way to make the same machines. */
export interface ProxmoxSide {
  readonly name: ProxmoxSideName;
  readonly commands: Readonly<Record<ProxmoxOperation, StackCommand>>;
}

/** Where a side works. */
export interface ProxmoxPlace {
  readonly repository: string;
  /** Empty folder for the stack. */
  readonly folder: string;
  readonly toolchain: Toolchain;
  readonly proxmox: ProxmoxSimulator;
  readonly machines: number;
}

/** A clone of the template with Proxmox VE's own cloud-init, and nothing that either side can leave out. */
const TEMPLATE_ID = 9000;
const MACHINE = { template: { vmId: TEMPLATE_ID }, memoryMib: 512 };
/** Machines of a stack that is measured are not waited for when they end. */
const SHUTDOWN_SECONDS = 5;

/** Corral's ready program; each machine is waited for until its guest agent answers. */
export async function corralProxmox(place: ProxmoxPlace): Promise<ProxmoxSide> {
  const { proxmox } = place;
  const stack = new PulumiStack(
    { program: place.repository, stack: "bench", folder: place.folder },
    place.toolchain,
  );
  await stack.ensure();
  const machine = {
    proxmox: {
      ...MACHINE,
      hypervisor: "pve",
      shutdownTimeoutSeconds: SHUTDOWN_SECONDS,
      ready: { timeoutSeconds: 120 },
    },
  };
  stack.configure({
    config: {
      "corral:fleet": {
        hypervisors: {
          pve: {
            proxmox: {
              endpoint: proxmox.endpoint,
              apiToken: { fromConfig: "token" },
              insecure: true,
              node: "pve",
            },
          },
        },
        machines: Object.fromEntries(
          machineNames(place.machines).map((name) => [name, machine]),
        ),
      },
    },
  });
  return { name: CORRAL, commands: await commandsOf(stack, "corral", proxmox) };
}

/**
 * The provider's machines with the very settings that Corral gives them, and nothing beside them, in
 * the same engine.
 */
export async function bareProxmox(place: ProxmoxPlace): Promise<ProxmoxSide> {
  const { repository, folder, proxmox } = place;
  const program = path.join(folder, "program");
  fs.mkdirSync(program, { recursive: true });
  fs.symlinkSync(
    path.join(repository, "node_modules"),
    path.join(program, "node_modules"),
  );
  const write = (name: string, text: string) =>
    fs.writeFileSync(path.join(program, name), text);
  write(
    "Pulumi.yaml",
    stringify({
      name: "bare",
      runtime: { name: "nodejs", options: { typescript: false } },
    }),
  );
  write("package.json", JSON.stringify({ private: true, main: "index.js" }));
  write(
    "machines.json",
    JSON.stringify({
      args: {
        ...MACHINE,
        node: "pve",
        shutdownTimeoutSeconds: SHUTDOWN_SECONDS,
      },
      names: machineNames(place.machines),
    }),
  );
  write("index.js", BARE_PROGRAM);
  const stack = new PulumiStack(
    { program, project: "bare", stack: "bench", folder },
    place.toolchain,
  );
  await stack.ensure();
  stack.configure({ config: { "bare:endpoint": proxmox.endpoint } });
  return { name: BARE, commands: await commandsOf(stack, "bare", proxmox) };
}

const BARE_PROGRAM = `
const pulumi = require("@pulumi/pulumi");
const proxmox = require("@corral-iac/corral/sdks/proxmox/index");
const { machineInputs } = require("@corral-iac/corral/proxmox/machineInputs");
const { args, names } = require("./machines.json");
const config = new pulumi.Config("bare");
const provider = new proxmox.Provider("pve", {
  endpoint: config.require("endpoint"),
  apiToken: config.requireSecret("token"),
  insecure: true,
});
names.forEach((name, index) => {
  const facts = {
    name,
    vmId: 200 + index,
    description: "a machine",
    tags: ["bench"],
    template: { vmId: args.template.vmId, templateNode: args.node },
    macAddresses: ["52:54:00:00:00:" + (16 + index).toString(16)],
    initialization: {
      datastoreId: "local-lvm",
      ipConfigs: [{ ipv4: { address: "dhcp" } }],
      userAccount: { username: "ops", keys: ["ssh-ed25519 AAAA ops"] },
    },
    dataDisks: [],
  };
  new proxmox.VirtualEnvironmentVm(name, machineInputs(args, facts), { provider });
});
`;

async function commandsOf(
  stack: PulumiStack,
  project: string,
  { apiToken }: ProxmoxSimulator,
): Promise<ProxmoxSide["commands"]> {
  const secret = ["config", "set", "--secret", `${project}:token`, apiToken];
  await stack.must(secret);
  const unasked = ["--yes", "--skip-preview"];
  const up = stack.command(["up", ...unasked]);
  return {
    create: up,
    "no-op up": up,
    refresh: stack.command(["refresh", ...unasked]),
    destroy: stack.command(["destroy", ...unasked]),
  };
}
