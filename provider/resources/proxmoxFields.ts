import {
  endpointOrigin,
  tokenUser,
} from "@corral-iac/corral/core/proxmox-client/endpoint";
import { Type } from "@sinclair/typebox";

import type { Fault } from "../frame/define";
import { Unknown } from "../frame/value";
import { readFaults } from "./readFaults";

/** The fields by which the API is reached, as several resources take them. */
export function accessFields() {
  return {
    endpoint: Type.String({
      minLength: 1,
      description:
        "Address of the Proxmox VE API, for instance `https://pve1.example.com:8006`.",
    }),
    apiToken: Type.String({
      minLength: 1,
      secret: true,
      description: "API token, `USER@REALM!TOKENID=UUID`.",
    }),
    insecure: Type.Boolean({
      default: false,
      description:
        "Accept any certificate, such as the self-signed one of a fresh installation.",
    }),
  };
}

/**
 * The fields by which a machine on Proxmox VE is reached.
 *
 * @param otherMachineReplaces whether the resource is another one when the machine is.
 */
export function machineFields(otherMachineReplaces = false) {
  return {
    ...accessFields(),
    node: Type.String({
      minLength: 1,
      description: "Name of the node that the machine is on.",
    }),
    vmId: Type.Integer({
      minimum: 100,
      maximum: 999999999,
      replaces: otherMachineReplaces,
      description: "The machine's VM id.",
    }),
  };
}

/** Faults of what is known of {@link accessFields}, alone or among those of a machine. */
export function accessFaults(
  path: string,
  access: object | undefined,
): Fault[] {
  if (access === undefined || access instanceof Unknown) {
    return [];
  }
  const { endpoint, apiToken } = access as Record<string, unknown>;
  const prefix = path === "" ? "" : `${path}.`;
  return [
    ...readFaults(`${prefix}endpoint`, endpoint, endpointOrigin),
    ...readFaults(`${prefix}apiToken`, apiToken, tokenUser),
  ];
}
