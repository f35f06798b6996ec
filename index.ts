import * as pulumi from "@pulumi/pulumi";
import {
  makeClusters,
  makeMachines,
  readFleet,
} from "@corral-iac/corral/fleet/program";

// Read before the program's function runs: a faulty fleet is told at once.
const fleet = readFleet(new pulumi.Config("corral"));

/** What this stack's fleet has, as `pulumi stack output machines` and `clusters` show it. */
export = async () => ({
  machines: await makeMachines(fleet),
  ...(await makeClusters(fleet)),
});
