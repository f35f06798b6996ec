import type { KubeObject } from "../api/client";

/** A VirtualMachineInstance, as far as the handler reads and writes it. */
export interface Instance extends KubeObject {
  readonly spec: {
    readonly domain: {
      readonly cpu?: { readonly cores?: number; readonly sockets?: number };
      readonly memory?: { readonly guest?: string };
      readonly resources?: { readonly requests?: { readonly memory?: string } };
      readonly devices?: {
        readonly interfaces?: readonly {
          readonly name: string;
          readonly macAddress?: string;
        }[];
      };
      readonly firmware?: { readonly uuid?: string };
    };
    readonly hostname?: string;
    readonly networks?: readonly {
      readonly pod?: { readonly vmNetworkCIDR?: string };
    }[];
    readonly terminationGracePeriodSeconds?: number;
    readonly volumes?: readonly InstanceVolume[];
  };
  readonly status?: InstanceStatus;
}

export interface InstanceVolume {
  readonly name: string;
  readonly cloudInitNoCloud?: CloudInitSource;
  readonly dataVolume?: { readonly name: string };
  readonly persistentVolumeClaim?: { readonly claimName: string };
}

export interface CloudInitSource {
  readonly userData?: string;
  readonly userDataBase64?: string;
  readonly networkData?: string;
  readonly networkDataBase64?: string;
  readonly secretRef?: { readonly name: string };
  readonly networkDataSecretRef?: { readonly name: string };
}

export interface InstanceStatus {
  readonly phase?: string;
  readonly nodeName?: string;
  readonly conditions?: readonly Condition[];
  readonly interfaces?: readonly object[];
  readonly guestOSInfo?: object;
  readonly fsFreezeStatus?: string;
  readonly phaseTransitionTimestamps?: readonly object[];
}

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string | null;
  readonly lastProbeTime?: string | null;
}
