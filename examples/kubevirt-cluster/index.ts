import * as pulumi from "@pulumi/pulumi";
import { KubevirtBaseSnapshots } from "@corral-iac/corral/kubevirt/kubevirtBaseSnapshots";
import { KubevirtCluster } from "@corral-iac/corral/kubevirt/kubevirtCluster";

const config = new pulumi.Config();
const size = { memoryMib: config.requireNumber("memoryMib") };
const namespace = "corral-templates";

const shared = {
  kubeconfig: config.requireSecret("kubeconfig"),
  image: { url: config.require("image") },
  controlPlane: size,
  worker: size,
  configureNodes: config.requireBoolean("configureNodes"),
};

const base = new KubevirtBaseSnapshots("gold", {
  ...shared,
  namespace,
  generation: config.requireNumber("baseGeneration"),
  keepMachines: false,
});

const cluster = new KubevirtCluster(
  "student",
  {
    ...shared,
    snapshots: { namespace },
    workers: config.requireNumber("workers"),
    generation: config.requireNumber("generation"),
  },
  { dependsOn: base },
);

/** The snapshots that new clusters are cloned from. */
export const baseSnapshots = base.snapshots;
/** Whether this one was cloned, or bootstrapped, and why. */
export const made = pulumi.interpolate`${cluster.strategy}: ${cluster.strategyReason}`;
/** The machines, with role and address. */
export const machines = cluster.machines;
/** For kubectl; a secret: pulumi stack output --show-secrets kubeconfig. */
export const kubeconfig = cluster.kubeconfig;
