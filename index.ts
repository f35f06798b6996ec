import * as pulumi from "@pulumi/pulumi";
import { makeMachines, readFleet } from "@corral-iac/corral/fleet/program";

// Read before the program's function runs: a faulty fleet is told at once.
const fleet = readFleet(new pulumi.Config("corral"));

/** The machines of this stack's fleet, as `pulumi stack output machines` shows them. */
export = async () => ({ machines: await makeMachines(fleet) });
