import * as pulumi from "@pulumi/pulumi";
import { keepsByDefault } from "../core/keep";

/** Whether the data disks of this stack outlive their machines where nothing else is said. */
export function keepsDataDisks(): boolean {
  return keepsByDefault(
    { stack: pulumi.getStack() },
    new pulumi.Config("corral").getBoolean("keepDataDisks"),
  );
}
