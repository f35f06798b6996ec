/**
 * A Kubernetes control plane with KubeVirt, for tests and for trying: the real API server, scheduler
 * and controllers as plain processes; nodes, storage and guests are simulated. See README.md.
 *
 *     const lab = await kubevirtUp();                        // one for all tests; or
 *     const lab = await KubevirtLab.start({ folder, bound: true }); // one of this test's own
 *     ... lab.kubeconfig, lab.api, await lab.kubectl("get", "vm", "-A") ...
 *     await lab.stopPart("storage");                         // snapshots stay unready
 */
export { KubeApi, KubeApiError, type KubeObject } from "./api/client";
export { collection, collectionOf, pathOf } from "./api/paths";
export { KubevirtLab, type KubevirtLabOptions, type PolicyRule } from "./lab";
export { csiDriver, snapshotClass, storageClass } from "./objects";
export type { PartName } from "./parts";
export {
  kubevirtDown,
  kubevirtFolder,
  kubevirtStatus,
  kubevirtUp,
} from "./process";
export { agentLabel, guestLabel, imageLabel } from "./handler/guests";
