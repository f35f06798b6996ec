import * as pulumi from "@pulumi/pulumi";
import { show, throwIfFaulty } from "../core/faults";
import { endpointOrigin } from "../core/proxmox-client/endpoint";
import * as proxmox from "../sdks/proxmox";
import type { ProxmoxNodeSshArgs } from "./args";

/** Any type of the Proxmox provider, to ask for the provider by. */
const MACHINE = "proxmox:index/virtualEnvironmentVm:VirtualEnvironmentVm";

/** What a component says of the API that it works with. */
export interface ProxmoxAccess {
  readonly endpoint?: string;
  readonly apiToken?: pulumi.Input<string>;
  readonly insecure?: pulumi.Input<boolean>;
  readonly nodeSsh?: ProxmoxNodeSshArgs;
  readonly node: pulumi.Input<string>;
}

/** The hypervisor of a component, and the options by which its children reach it. */
export interface ProxmoxHypervisor {
  /** How resources of Corral's own ask the API. */
  readonly api: {
    readonly endpoint: pulumi.Output<string>;
    /** A secret. */
    readonly apiToken: pulumi.Output<string>;
    readonly insecure: pulumi.Output<boolean>;
  };
  /** Options for a resource of the Proxmox provider. */
  readonly resource: pulumi.CustomResourceOptions;
}

/**
 * Finds a component's hypervisor. A Proxmox provider handed to the component is used, or the default
 * one where the stack's configuration has `proxmox:endpoint`; else the component makes one of its
 * own. Components that share a provider share its processes.
 *
 * Resources of Corral's own speak to the API too. What a provider does not tell (`insecure`; all of
 * it where it is only a reference) is taken from the arguments, the configuration, the environment.
 */
export function proxmoxHypervisorOf(
  parent: pulumi.ComponentResource,
  name: string,
  access: ProxmoxAccess,
): ProxmoxHypervisor {
  const inherited = parent.getProvider(MACHINE);
  const known = inherited instanceof proxmox.Provider ? inherited : undefined;
  const surroundings = fromSurroundings();
  const subject = `the hypervisor of "${name}"`;
  const endpoint = required(
    subject,
    "endpoint",
    access.endpoint ?? known?.endpoint ?? surroundings.endpoint,
  );
  const apiToken = pulumi.secret(
    required(
      subject,
      "apiToken",
      access.apiToken ?? known?.apiToken ?? surroundings.apiToken,
    ),
  );
  const insecure = pulumi
    .output(access.insecure)
    .apply((given) => given ?? surroundings.insecure ?? false);
  const api = { endpoint, apiToken, insecure };
  if (inherited !== undefined || usesDefaultProvider(access)) {
    return { api, resource: { parent } };
  }
  const provider = proxmoxProvider(
    `${name}-hypervisor`,
    { ...access, ...api },
    { parent },
  );
  return { api, resource: { parent, provider } };
}

/**
 * Adds to a component's checks that its `endpoint` does not contradict the provider that is handed to
 * it: its resources would be made at one server and looked for at another.
 */
export function checkSameServer(
  component: pulumi.ComponentResource,
  subject: string,
  endpoint: string | undefined,
  checked: pulumi.Output<boolean>,
): pulumi.Output<boolean> {
  const inherited = component.getProvider(MACHINE);
  if (endpoint === undefined || !(inherited instanceof proxmox.Provider)) {
    return checked;
  }
  return pulumi
    .all([checked, inherited.endpoint])
    .apply(([fine, ofProvider]) => {
      if (
        ofProvider &&
        endpointOrigin(ofProvider) !== endpointOrigin(endpoint)
      ) {
        const problem =
          `is ${show(endpoint)}, must be left out or be that of the provider that is handed in: ` +
          show(ofProvider);
        throwIfFaulty(subject, [{ path: "endpoint", problem }]);
      }
      return fine;
    });
}

/** What a provider is made from. */
export interface ProxmoxProviderArgs {
  readonly endpoint: pulumi.Input<string>;
  readonly apiToken: pulumi.Input<string>;
  readonly insecure?: pulumi.Input<boolean>;
  readonly nodeSsh?: ProxmoxNodeSshArgs;
  /** Node that `nodeSsh.address` is of; needed beside it. */
  readonly node?: pulumi.Input<string>;
}

/** A Proxmox provider for one API. */
export function proxmoxProvider(
  name: string,
  { endpoint, apiToken, insecure, nodeSsh, node }: ProxmoxProviderArgs,
  opts: pulumi.ResourceOptions = {},
): proxmox.Provider {
  return new proxmox.Provider(
    name,
    {
      endpoint,
      apiToken,
      insecure,
      ssh: nodeSsh && {
        username: nodeSsh.user ?? "root",
        privateKey: pulumi.secret(nodeSsh.privateKey),
        agent: false,
        nodes:
          nodeSsh.address === undefined || node === undefined
            ? []
            : [
                {
                  name: node,
                  address: nodeSsh.address,
                  port: nodeSsh.port ?? 22,
                },
              ],
      },
    },
    // As for libvirt: the SDK's version and the bridge's take turns in the state.
    { ...opts, ignoreChanges: ["version"] },
  );
}

interface Surroundings {
  readonly endpoint?: string;
  readonly apiToken?: pulumi.Input<string>;
  readonly insecure?: boolean;
}

/** The stack's configuration of the provider, else the environment variables that it knows itself. */
function fromSurroundings(): Surroundings {
  const config = new pulumi.Config("proxmox");
  const insecure = process.env.PROXMOX_VE_INSECURE;
  return {
    endpoint: config.get("endpoint") ?? process.env.PROXMOX_VE_ENDPOINT,
    apiToken: config.getSecret("apiToken") ?? process.env.PROXMOX_VE_API_TOKEN,
    insecure:
      config.getBoolean("insecure") ??
      (insecure === undefined ? undefined : /^(1|true)$/i.test(insecure)),
  };
}

/** Whether the stack's default provider is of the API that the arguments name, if they name one. */
function usesDefaultProvider(access: ProxmoxAccess): boolean {
  const configured = new pulumi.Config("proxmox").get("endpoint");
  return (
    configured !== undefined &&
    (access.endpoint ?? configured) === configured &&
    access.apiToken === undefined &&
    access.nodeSsh === undefined
  );
}

function required(
  subject: string,
  argument: string,
  value: pulumi.Input<string | undefined> | undefined,
): pulumi.Output<string> {
  const missing = () =>
    throwIfFaulty(subject, [
      {
        path: argument,
        problem: `is missing; must be given as an argument, as proxmox:${argument} in the stack's configuration, or as ${VARIABLES[argument]}`,
      },
    ]);
  if (value === undefined) {
    missing();
  }
  return pulumi.output(value).apply((known) => {
    if (!known) {
      missing();
    }
    return known ?? "";
  });
}

const VARIABLES: Readonly<Record<string, string>> = {
  endpoint: "PROXMOX_VE_ENDPOINT",
  apiToken: "PROXMOX_VE_API_TOKEN",
};
