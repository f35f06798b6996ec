import { newClusterAuthority } from "@corral-iac/corral-ops/kubevirt/newClusterAuthority";
import * as pulumi from "@pulumi/pulumi";
import { known } from "./outputs";

/** A resource as a component asked the engine for it. */
export interface MadeResource {
  readonly type: string;
  readonly name: string;
  /** As the provider gets them; secrets are wrapped (see {@link isSecret}). */
  readonly inputs: Record<string, unknown>;
}

export const PROJECT = "shop";
export const STACK = "prod";
export const STAMP_ID = "0123456789abcdef";
const AUTHORITY = newClusterAuthority();

/** What the providers would answer, by resource type. */
const OUTPUTS: Record<
  string,
  (name: string, inputs: Record<string, unknown>) => Record<string, unknown>
> = {
  "corral-ops:index:AppliedRevision": (_name, { revision }) => ({
    applied: revision,
  }),
  "corral-ops:index:Stamp": () => ({
    stampId: STAMP_ID,
    shortId: STAMP_ID.slice(0, 8),
  }),
  "corral-ops:index:SshKeyPair": (name) => ({
    publicKey: `ssh-ed25519 AAAA${Buffer.from(name).toString("base64")}`,
    privateKey: secret(`private key of ${name}`),
  }),
  "corral-ops:index:CloudInitDisk": (name) => ({ diskId: `id of ${name}` }),
  "corral-ops:index:LibvirtDisk": (name, { name: volumeName }) => ({
    diskId: `id of ${name}`,
    volumeName,
  }),
  "corral-ops:index:ConsoleLog": () => ({ path: "/pool/console.log" }),
  "corral-ops:index:ProxmoxShutdown": () => ({ instanceId: "12345-0a1b2c3d" }),
  "corral-ops:index:ProxmoxTemplate": () => ({
    vmId: 9000,
    templateNode: "pve",
  }),
  "corral-ops:index:ProxmoxVmId": (name) => ({
    vmId: name.endsWith("-vm-id") ? 12345 : 12346,
  }),
  "corral-ops:index:KubeadmSecrets": () => ({
    token: secret("abcdef.0123456789abcdef"),
    certificateKey: secret("c".repeat(64)),
    authorityCertificate: AUTHORITY.certificate,
    authorityKey: secret(AUTHORITY.key),
  }),
  "corral-ops:index:KubevirtNodes": () => ({
    adminKubeconfig: secret("kubeconfig of the cluster"),
    skippedSteps: [],
    doneNodes: [],
  }),
  "corral-ops:index:KubevirtSnapshots": () => ({
    taken: [
      {
        role: "control-plane",
        name: "cks-control-plane-base-snapshot",
        createdAt: "2026-01-01T10:00:00Z",
        status: "is ready to use",
      },
    ],
  }),
  "corral-ops:index:KubevirtBaseMachine": (name) => ({ uid: `uid of ${name}` }),
  "corral-ops:index:KubevirtRollout": (_name, { machines }) => ({
    addresses: Object.fromEntries(
      (machines as { machine: string; address: string }[]).map(
        ({ machine, address }) => [machine, address],
      ),
    ),
  }),
  "corral-ops:index:KubevirtReady": () => ({ address: "10.1.2.3" }),
  "corral-ops:index:ProvisioningDecision": () => ({
    decided: "bootstrap",
    why: "there is no snapshot",
    fellBack: false,
    decidedGeneration: 1,
    snapshots: [],
  }),
  "corral-ops:index:GuestReady": () => ({
    address: "10.77.0.5",
    cloudInitStatus: "status: done",
    hostKey: "ssh-ed25519 AAAAHost",
  }),
};

/**
 * Puts mocks in the engine's place.
 *
 * @param preview as in a preview of what is not there yet: ids and outputs are not known.
 * @param outputs what providers answer otherwise than always, by resource type.
 * @returns the list that every resource is put on, in order.
 */
export function recordResources({
  preview = false,
  outputs = {} as typeof OUTPUTS,
} = {}): MadeResource[] {
  const made: MadeResource[] = [];
  pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs: given }) => {
        const inputs = given as Record<string, unknown>;
        made.push({ type, name, inputs });
        const own = preview
          ? {}
          : (outputs[type] ?? OUTPUTS[type])?.(name, inputs);
        return {
          id: preview ? undefined : `id of ${name}`,
          state: { ...inputs, ...own },
        };
      },
      call: ({ inputs }) => inputs as Record<string, unknown>,
    },
    PROJECT,
    STACK,
    preview,
  );
  return made;
}

/** Settles when the engine has answered for the component and all that it made. */
export async function settled(component: pulumi.Resource): Promise<void> {
  await known(component.urn);
  const { __childResources: children } = component as unknown as {
    __childResources?: Set<pulumi.Resource>;
  };
  await Promise.all([...(children ?? [])].map(settled));
}

/** The one resource of that name. */
export function byName(
  made: readonly MadeResource[],
  name: string,
): MadeResource {
  const found = made.filter((resource) => resource.name === name);
  if (found.length !== 1) {
    const names = made.map((resource) => resource.name).join(", ");
    throw new Error(`${found.length} resources "${name}" among ${names}`);
  }
  return found[0] as MadeResource;
}

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** Whether a provider got a value as a secret (https://www.pulumi.com/docs/iac/concepts/secrets). */
export function isSecret(value: unknown): value is { value: unknown } {
  return (
    typeof value === "object" &&
    value !== null &&
    (value as Record<string, unknown>)[SIGNATURE] === SECRET
  );
}

/** A value as a provider hands a secret to the engine. */
function secret(value: unknown): unknown {
  return pulumi.secret(value);
}

/** A value without its wrapping. */
export function plain(value: unknown): unknown {
  return isSecret(value) ? value.value : value;
}
