import * as path from "node:path";

import { KubeApi } from "../api/client";
import { readKubeconfig } from "../api/kubeconfig";
import { labPaths } from "../parts";
import { RealGuests } from "../real/guests";
import { readState } from "../state";
import { SimulatedGuests } from "./guests";
import { Handler } from "./handler";
import { serve } from "./server";

/** `node main.js FOLDER`: the handler of the lab in that folder, until it is ended. */
const folder = process.argv[2] ?? "";
const state = readState(folder);
if (state === undefined) {
  throw new Error("usage: main.js FOLDER, with a lab in it");
}
const paths = labPaths(folder);
const apiOf = (user: string) =>
  new KubeApi(readKubeconfig(paths.kubeconfig(user)));
const handler = new Handler(
  apiOf("handler"),
  {
    simulated: new SimulatedGuests(),
    // Volumes and secrets are nothing that virt-handler itself may read.
    real: new RealGuests(folder, apiOf("storage"), state.isBound),
  },
  console.log,
);
handler.start();
const [certificate, key] = paths.kubevirtPair(
  "kubevirt-virt-handler-server-certs",
);
const [authority] = paths.kubevirtPair("kubevirt-ca");
serve(
  handler,
  { certificate, key, authority: path.resolve(authority) },
  state.ports.handler,
);
