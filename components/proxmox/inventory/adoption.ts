import type { AdoptedAs, HypervisorObject } from "../../core/inventory/lister";
import { TYPES } from "./handles";

/** As what an object can be taken into the state. A snippet is made anew from the program. */
export function adoptedAs({
  kind,
  id,
}: HypervisorObject): AdoptedAs | undefined {
  if (kind !== "vm") {
    return undefined;
  }
  const [nodeName = "", vmId = ""] = id.split("/");
  return {
    type: TYPES.machine,
    id: vmId,
    // The provider's own `id` has another name in Pulumi, where `id` is taken.
    outputs: {
      nodeName,
      vmId: Number(vmId),
      virtualEnvironmentVmId: vmId,
      ...DEFAULTS,
    },
  };
}

/** Defaults of the provider's that it does not read back: without them the machine seems to change. */
const DEFAULTS = { keyboardLayout: "en-us", template: false };
