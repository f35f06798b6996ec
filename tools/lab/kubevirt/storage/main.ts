import { KubeApi } from "../api/client";
import { readKubeconfig } from "../api/kubeconfig";
import { labPaths } from "../parts";
import { Disks } from "../real/disks";
import { StorageSimulator } from "./simulator";

/** `node main.js FOLDER`: the storage of the lab in that folder, until it is ended. */
const folder = process.argv[2];
if (folder === undefined) {
  throw new Error("usage: main.js FOLDER");
}
const { kubeconfig } = labPaths(folder);
new StorageSimulator(
  new KubeApi(readKubeconfig(kubeconfig("storage"))),
  new Disks(folder),
  { log: console.log },
).start();
