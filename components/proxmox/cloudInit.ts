import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { type Access, guestAccess } from "../guest/access";
import { OnCloudInitChange } from "../guest/args";
import { cloudInitDocuments } from "../guest/cloudInitDocuments";
import { AppliedRevision } from "../guest/ops/appliedRevision";
import * as proxmox from "../sdks/proxmox";
import type { input } from "../sdks/proxmox/types";
import type { ProxmoxAccountArgs, ProxmoxVmArgs } from "./args";
import { DEFAULT_SNIPPET_STORAGE, DEFAULT_STORAGE } from "./fixedSettings";
import type { ProxmoxHypervisor } from "./hypervisor";
import { ipConfigs, networksOf } from "./machineInputs";
import { guardSnippet } from "./preflight";

/** Whose cloud-init it is. */
export interface CloudInitOwner {
  readonly component: pulumi.ComponentResource;
  /** The component's name. */
  readonly name: string;
  /** The machine's name at Proxmox VE. */
  readonly machineName: string;
  readonly shortId: pulumi.Output<string>;
  /** MAC address of the first interface. */
  readonly macAddress: pulumi.Output<string>;
  readonly hypervisor: ProxmoxHypervisor;
}

/** How a machine gets its first account, addresses and the rest of its first boot. */
export interface ProxmoxCloudInit {
  readonly access: Access;
  /** Undefined: the machine has no cloud-init drive. */
  readonly initialization: input.VirtualEnvironmentVmInitialization | undefined;
  /** Whether the machine is made anew when cloud-init changes. */
  readonly isFollowed: boolean;
  /** Which cloud-init the machine is made from. */
  readonly applied: pulumi.Output<string>;
  /** What has to be there before the machine. */
  readonly dependsOn: pulumi.Resource[];
}

/**
 * Renders cloud-init in one of Proxmox VE's two ways: the account by its own fields, which need
 * nothing but the API, or everything as a snippet, which is stored on the node over ssh.
 */
export function proxmoxCloudInit(
  args: ProxmoxVmArgs,
  owner: CloudInitOwner,
): ProxmoxCloudInit {
  const { component, name, machineName } = owner;
  const users = args.account ? accountAsUsers(args.account) : args.cloudInit;
  const access = guestAccess(
    component,
    name,
    machineName,
    users,
    args.ssh,
    args.cloudInit !== undefined,
  );
  const isFollowed = args.onCloudInitChange === OnCloudInitChange.Replace;
  // Also without a drive: one that goes is a change of cloud-init, which is ignored unless followed.
  const madeFrom = (revision: pulumi.Input<string>) =>
    new AppliedRevision(
      `${name}-made-from`,
      { revision, follow: isFollowed },
      { parent: component },
    ).applied;
  if (args.cloudInitDrive === false) {
    return {
      access,
      initialization: undefined,
      isFollowed,
      applied: madeFrom("no drive"),
      dependsOn: [],
    };
  }
  const common = {
    datastoreId:
      args.cloudInitStorage ?? args.rootDisk?.storage ?? DEFAULT_STORAGE,
    dns: args.dns,
    ipConfigs: ipConfigs(networksOf(args)),
  };
  const rest = args.cloudInit
    ? snippet(args, owner, access, isFollowed)
    : account(args.account, access);
  return {
    access,
    initialization: { ...common, ...rest.initialization },
    isFollowed,
    applied: madeFrom(digestOf(common, rest.digested)),
    dependsOn: rest.dependsOn,
  };
}

/** One of the two ways. */
interface Way {
  readonly initialization: input.VirtualEnvironmentVmInitialization;
  /** What of it a changed cloud-init is known by. */
  readonly digested: pulumi.Input<unknown>;
  readonly dependsOn: pulumi.Resource[];
}

function account(args: ProxmoxAccountArgs | undefined, access: Access): Way {
  const keys = pulumi
    .all([args?.sshAuthorizedKeys, access.loginKeyPair?.publicKey])
    .apply(([given, own]) => [
      ...(given ?? []),
      ...(own === undefined ? [] : [own]),
    ]);
  const password =
    args?.password === undefined ? undefined : pulumi.secret(args.password);
  return {
    initialization: {
      userAccount: { username: args?.name ?? access.user, keys, password },
    },
    // The digest stands in the state as it is: beside the key nobody can try passwords on it.
    digested: [
      args?.name ?? access.user,
      keys,
      password && [password, access.privateKey],
    ],
    dependsOn: [],
  };
}

function snippet(
  args: ProxmoxVmArgs,
  owner: CloudInitOwner,
  access: Access,
  follow: boolean,
): Way {
  const fileName = pulumi.interpolate`${owner.machineName}-user-data-${owner.shortId}.yaml`;
  const storage = args.snippetStorage ?? DEFAULT_SNIPPET_STORAGE;
  // Proxmox VE makes meta-data and network configuration itself.
  const { userData } = cloudInitDocuments(
    owner.name,
    args.cloudInit,
    access,
    owner.macAddress,
    pulumi.output(owner.machineName),
  );
  const file = new proxmox.VirtualEnvironmentFile(
    `${owner.name}-user-data`,
    {
      nodeName: args.node,
      datastoreId: storage,
      contentType: "snippets",
      // It holds the guest's private host key.
      fileMode: "0600",
      sourceRaw: { fileName, data: userData },
    },
    {
      ...owner.hypervisor.resource,
      ...guardSnippet(owner.hypervisor.api),
      // Its name is fixed: the one deleted after the replacement would be the new one.
      deleteBeforeReplace: true,
      ignoreChanges: follow ? [] : ["sourceRaw"],
    },
  );
  return {
    initialization: {
      // Not the file's own output: unknown in a preview, it would seem to replace the machine.
      userDataFileId: pulumi.interpolate`${storage}:snippets/${fileName}`,
    },
    digested: userData,
    dependsOn: [file],
  };
}

function accountAsUsers({ name }: ProxmoxAccountArgs) {
  return name === undefined ? {} : { users: [{ name }] };
}

function digestOf(...parts: pulumi.Input<unknown>[]): pulumi.Output<string> {
  return pulumi.unsecret(
    pulumi
      .output(parts)
      .apply((known) =>
        createHash("sha256").update(JSON.stringify(known)).digest("hex"),
      ),
  );
}
