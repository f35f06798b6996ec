import * as pulumi from "@pulumi/pulumi";
import {
  makeClusters,
  makeMachines,
  readFleet,
} from "@corral-iac/corral/fleet/program";

// Pulumi's SDK keeps a stack trace with every promise, in case it leaks, and a source map is asked for
// each line of it: half of this program's time. Without, traces are short and name the compiled files.
Reflect.deleteProperty(Error, "prepareStackTrace");
Error.stackTraceLimit = 3;

// Read before the program's function runs: a faulty fleet is told at once.
const fleet = readFleet(new pulumi.Config("corral"));

/** What this stack's fleet has, as `pulumi stack output machines` and `clusters` show it. */
export = async () => ({
  machines: await makeMachines(fleet),
  ...(await makeClusters(fleet)),
});
