import { defineResource } from "../frame/define";
import type { InputsToCheck } from "../frame/define";
import type { OperationContext } from "../frame/context";
import { Unknown } from "../frame/value";
import { AgentAccess } from "../guest/agentAccess";
import { agentHostKey } from "../guest/agentHostKey";
import { LibvirtProbe } from "../guest/libvirtProbe";
import { MicroVmProbe } from "../guest/microVmProbe";
import type { GuestAccess, GuestProbe } from "../guest/probe";
import { ProxmoxProbe } from "../guest/proxmoxProbe";
import { SshAccess } from "../guest/sshAccess";
import { asksForMore } from "../guest/stages";
import { systemClock, waitForGuest } from "../guest/wait";
import { proxmoxAt } from "../proxmox/clients";
import { sshPool } from "../ssh/shared";
import { checkGuest, inputs, outputs } from "./guestReadyFields";
import type { Inputs, Outputs } from "./guestReadyFields";

/** A guest that has come as far as asked. */
export const guestReady = defineResource({
  token: "corral-ops:index:GuestReady",
  description:
    "A guest that is ready: waits, bounded, until it has come as far as asked. If it does not, the " +
    "error says which stage failed and shows the end of the guest's console; nothing is created, so " +
    "that the next update waits again. A refresh never waits.",
  inputs,
  outputs,

  checks: checkGuest,

  async create(ctx, args) {
    return { id: args.machine.id, outputs: await wait(ctx, args) };
  },

  preview(args, old) {
    if (!old || mustWait(args, old)) {
      const hostKey = pinnedKey(args.ssh);
      return {
        ...(typeof args.address === "string" && { address: args.address }),
        ...(hostKey !== undefined && { hostKey }),
      };
    }
    return settled(args, old);
  },

  async update(ctx, _id, old, args) {
    if (!mustWait(args, old)) {
      return settled(args, old);
    }
    return wait(ctx, args);
  },
});

/** True if what was seen does not answer what is asked now: more is asked, or of another guest. */
function mustWait(
  args: InputsToCheck<Inputs>,
  old: { readonly inputs: Inputs; readonly outputs: Outputs },
): boolean {
  const { until, through, machine, address } = args;
  if (
    until instanceof Unknown ||
    through instanceof Unknown ||
    machine instanceof Unknown
  ) {
    return true;
  }
  if (until === "none") {
    return false;
  }
  const seen = { until: old.outputs.waitedFor, through: wayOf(old.inputs) };
  return (
    asksForMore({ until, through }, seen) ||
    address !== old.inputs.address ||
    machine.libvirt instanceof Unknown ||
    machine.proxmox instanceof Unknown ||
    whichGuest(machine) !== whichGuest(old.inputs.machine)
  );
}

/** States of older versions have none. */
function wayOf({ through }: Partial<Inputs>): Inputs["through"] {
  return through ?? "ssh";
}

/** What tells one guest from another; neither token nor console do. */
function whichGuest(machine: { libvirt?: unknown; proxmox?: unknown }): string {
  const fieldsOf = (value: unknown) => (value ?? {}) as Record<string, unknown>;
  const onLibvirt = fieldsOf(machine.libvirt);
  const onProxmox = fieldsOf(machine.proxmox);
  return JSON.stringify([
    onLibvirt.uri,
    onLibvirt.domain,
    onLibvirt.macAddress,
    onProxmox.vmId,
    onProxmox.macAddress,
  ]);
}

/** Nothing to wait for: what was seen stays, but an address that is given is the one that counts. */
function settled(
  { address, until, through, ssh }: InputsToCheck<Inputs>,
  old: { readonly inputs: Inputs; readonly outputs: Outputs },
): Outputs {
  return {
    ...old.outputs,
    ...(typeof address === "string" && { address }),
    ...(pinnedKey(ssh) !== undefined && { hostKey: pinnedKey(ssh) }),
    // What was seen by another way is not seen by this one.
    ...(through !== wayOf(old.inputs) &&
      !(until instanceof Unknown) && { waitedFor: until }),
  };
}

async function wait(ctx: OperationContext, args: Inputs): Promise<Outputs> {
  const { until, through, machine, address } = args;
  // Ends a little before customTimeouts would cut it off, to have the time to say where it stood.
  const bound =
    ctx.deadline === undefined
      ? Infinity
      : (ctx.deadline - Date.now()) / 1000 - 3;
  const result = await waitForGuest({
    until,
    through,
    name: machine.name,
    timeoutSeconds: Math.max(
      1,
      Math.min(args.timeoutSeconds, Math.floor(bound)),
    ),
    address,
    probe: probeOf(args),
    access: accessOf(args),
    clock: systemClock,
    log: ctx.log,
    signal: ctx.signal,
  });
  return {
    ...result,
    address: result.address || (address ?? ""),
    hostKey: await hostKeyOf(ctx, args),
    waitedFor: until,
  };
}

/** The pinned one, else what the guest has told by the way that it was waited for. */
async function hostKeyOf(
  { signal }: OperationContext,
  { until, through, machine, ssh }: Inputs,
): Promise<string> {
  const { proxmox } = machine;
  if (ssh?.hostKey !== undefined) {
    return ssh.hostKey;
  }
  const canTell =
    through === "agent" && (until === "ssh" || until === "cloudInit");
  return canTell && proxmox
    ? ((await agentHostKey(proxmoxAt(proxmox), proxmox, signal)) ?? "")
    : "";
}

function pinnedKey(ssh: InputsToCheck<Inputs>["ssh"]): string | undefined {
  return ssh === undefined ||
    ssh instanceof Unknown ||
    typeof ssh.hostKey !== "string"
    ? undefined
    : ssh.hostKey;
}

function probeOf({ machine }: Inputs): GuestProbe | undefined {
  const { libvirt, proxmox, microVm } = machine;
  if (microVm) {
    return new MicroVmProbe(sshPool(), microVm);
  }
  return proxmox
    ? new ProxmoxProbe(proxmoxAt(proxmox), proxmox)
    : libvirt && new LibvirtProbe(libvirt);
}

function accessOf({ machine, ssh, through }: Inputs): GuestAccess | undefined {
  const { proxmox } = machine;
  if (through === "agent" && proxmox) {
    const bySsh =
      ssh &&
      ((hostKey: string | undefined) =>
        new SshAccess(sshPool(), { ...ssh, hostKey }));
    return new AgentAccess(proxmoxAt(proxmox), proxmox, bySsh, ssh?.hostKey);
  }
  return ssh && new SshAccess(sshPool(), ssh);
}
