import type { InventoryContext, Lister } from "../../core/inventory/lister";
import { runOverSsh } from "../../core/ssh-client/openSsh";
import { accessTo } from "./access";
import { listScript, parseListing } from "./listing";
import { endWorkScript, removalOf } from "./removal";
import { machinesAt, parseStatus, statusScript } from "./status";
import { placeOf, surveyMicroVms } from "./survey";

const LOOK_SECONDS = 60;
/** A machine that is removed is given its time to shut down. */
const REMOVE_SECONDS = 3700;

/** The inventory of hosts of microVMs. A place is `user@host:port`. */
export function microVmLister(context: InventoryContext): Lister {
  const run = async (place: string, script: string, seconds = LOOK_SECONDS) =>
    runOverSsh(await accessTo(place, context), script, seconds);
  return {
    hypervisor: "microVm",
    removalOrder: ["machine", "lease", "volume", "image", "network"],
    survey: surveyMicroVms,
    declaredPlace: (declaration) => placeOf(declaration) ?? "",
    list: async (place, stack) =>
      parseListing(await run(place, listScript()), stack),
    async remove(place, object) {
      await run(place, removalOf(object), REMOVE_SECONDS);
    },
    async endWork(place, stampIds) {
      await run(place, endWorkScript(stampIds));
    },
    async status(place, references) {
      const machines = machinesAt(place, references);
      const names = machines.map(({ machine }) => machine);
      return parseStatus(await run(place, statusScript(names)), machines);
    },
    // Volumes are taken up again by `adopt`, and all else is made anew.
    adoptedAs: () => undefined,
  };
}
