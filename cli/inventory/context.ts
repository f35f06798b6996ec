import type { InventoryContext } from "@corral-iac/corral/core/inventory/lister";
import type { Pulumi } from "../engine/pulumi";
import { plainResources } from "../engine/state";

/** What an inventory may need of a stack beside its exported state. Looked up when it is asked for. */
export function contextOf(
  pulumi: Pulumi,
  say: (line: string) => void = console.error,
): InventoryContext {
  let resources: ReturnType<InventoryContext["plainResources"]> | undefined;
  return {
    environment: process.env,
    plainResources: () => (resources ??= plainResources(pulumi)),
    async configValue(key) {
      const { exitCode, stdout } = await pulumi.capture(["config", "get", key]);
      // Also a configuration that cannot be decrypted has no value to offer.
      return exitCode === 0 ? stdout.trim() : undefined;
    },
    say,
  };
}
