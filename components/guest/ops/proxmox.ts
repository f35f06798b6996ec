import type * as pulumi from "@pulumi/pulumi";

/** How the API of Proxmox VE is asked. */
export interface ProxmoxApi {
  /** Address of the API, for instance `https://pve1.example.com:8006`. */
  endpoint: pulumi.Input<string>;
  /** API token, `USER@REALM!TOKENID=UUID`. A secret. */
  apiToken: pulumi.Input<string>;
  /** Accept any certificate, such as the self-signed one of a fresh installation. Default false. */
  insecure?: pulumi.Input<boolean>;
}

/** A machine on Proxmox VE, and how its API is asked. */
export interface ProxmoxMachine extends ProxmoxApi {
  /** Name of the node that the machine is on. */
  node: pulumi.Input<string>;
  /** The machine's VM id: 100 to 999999999. */
  vmId: pulumi.Input<number>;
}
