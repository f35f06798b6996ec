import type { KubeObject } from "../api/client";

/** The fields that the simulator reads and writes; see the kinds' own documentation. */

export interface VolumeClaim extends KubeObject {
  readonly spec: {
    readonly storageClassName?: string;
    readonly volumeName?: string;
    readonly volumeMode?: string;
    readonly accessModes?: readonly string[];
    readonly resources?: { readonly requests?: { readonly storage?: string } };
    readonly dataSource?: SourceReference;
    readonly dataSourceRef?: SourceReference;
  };
  readonly status?: { readonly phase?: string };
}

export interface SourceReference {
  readonly apiGroup?: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

export interface Volume extends KubeObject {
  readonly spec: { readonly csi?: { readonly driver: string } };
  readonly status?: { readonly phase?: string };
}

export interface VolumeSnapshot extends KubeObject {
  readonly status?: {
    readonly readyToUse?: boolean;
    readonly restoreSize?: string;
    readonly boundVolumeSnapshotContentName?: string;
  };
}

export interface SnapshotContent extends KubeObject {
  readonly spec: {
    readonly driver: string;
    readonly source: {
      readonly volumeHandle?: string;
      readonly snapshotHandle?: string;
    };
  };
  readonly status?: {
    readonly readyToUse?: boolean;
    readonly snapshotHandle?: string;
    readonly restoreSize?: number;
  };
}

export interface DataVolume extends KubeObject {
  readonly spec: {
    readonly source?: DataVolumeSource;
    readonly sourceRef?: {
      readonly kind: string;
      readonly name: string;
      readonly namespace?: string;
    };
    readonly storage?: VolumeClaim["spec"];
    readonly pvc?: VolumeClaim["spec"];
  };
  readonly status?: { readonly phase?: string };
}

export interface DataVolumeSource {
  readonly snapshot?: { readonly namespace: string; readonly name: string };
  readonly pvc?: { readonly namespace: string; readonly name: string };
  readonly http?: { readonly url: string };
  readonly registry?: { readonly url?: string; readonly imageStream?: string };
  readonly blank?: object;
}

export interface DataSource extends KubeObject {
  readonly spec: { readonly source: DataVolumeSource };
}
