import type { KubeApi } from "../api/client";
import { Controller } from "../api/controller";
import { collection } from "../api/paths";
import type { Disks } from "../real/disks";
import { importData } from "./dataVolumes";
import type { DataVolume, SnapshotContent, Volume, VolumeClaim } from "./types";
import { provision, reclaim, takeSnapshot } from "./volumes";

/**
 * Stands in for a CSI driver with its provisioner and snapshotter, and for CDI: objects go through
 * their states. Data are there only where a real guest uses a volume.
 */
export class StorageSimulator {
  private readonly controllers: readonly { start(): void; stop(): void }[];

  /** @param disks data of the volumes that real guests use. */
  constructor(
    api: KubeApi,
    disks: Disks,
    { log }: { log: (line: string) => void },
  ) {
    this.controllers = [
      new Controller<VolumeClaim>({
        api,
        log,
        path: collection("v1", "persistentvolumeclaims"),
        step: (claim) => provision(api, claim),
      }),
      new Controller<Volume>({
        api,
        log,
        path: collection("v1", "persistentvolumes"),
        step: (volume) => reclaim(api, disks, volume),
      }),
      new Controller<SnapshotContent>({
        api,
        log,
        path: collection(
          "snapshot.storage.k8s.io/v1",
          "volumesnapshotcontents",
        ),
        step: (content) => takeSnapshot(api, disks, content),
      }),
      new Controller<DataVolume>({
        api,
        log,
        path: collection("cdi.kubevirt.io/v1beta1", "datavolumes"),
        step: (volume) => importData(api, volume),
      }),
    ];
  }

  start(): void {
    this.controllers.forEach((controller) => controller.start());
  }

  stop(): void {
    this.controllers.forEach((controller) => controller.stop());
  }
}
