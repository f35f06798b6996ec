import { readPreview } from "../engine/previewDigest";
import type { Pulumi } from "../engine/pulumi";
import { exportState, importState } from "../engine/state";
import type { Leftover } from "../inventory/take";
import { plannedFor, withAdopted } from "./adoption";

/**
 * Takes leftovers into the state, so that the next `up` goes on with them instead of making new
 * ones. Only what the program declares can be taken in.
 *
 * @throws Error that names those that could not be.
 */
export async function adoptLeftovers(
  pulumi: Pulumi,
  leftovers: readonly Leftover[],
  log: (line: string) => void,
): Promise<void> {
  let waiting = leftovers.filter(
    ({ lister, object }) => lister.adoptedAs(object) !== undefined,
  );
  const remade = leftovers.filter((leftover) => !waiting.includes(leftover));
  remade.forEach(({ object }) =>
    log(
      `${object.kind} ${object.name} holds nothing of its own: remove it, it is made again`,
    ),
  );
  for (;;) {
    const adopted = await adoptRound(pulumi, waiting, log);
    waiting = waiting.filter((leftover) => !adopted.includes(leftover));
    if (adopted.length === 0 || waiting.length === 0) {
      break;
    }
  }
  if (waiting.length > 0) {
    throw new Error(
      "The program, as it is now, does not make these, so they cannot be taken in:\n" +
        waiting
          .map(({ object }) => `  - ${object.kind} ${object.name}`)
          .join("\n") +
        "\nDeclare them as they were, or remove them: corral orphans --remove",
    );
  }
}

/** Adopts what the program knows all of now; volumes, for instance, before the machine on them. */
async function adoptRound(
  pulumi: Pulumi,
  leftovers: readonly Leftover[],
  log: (line: string) => void,
): Promise<Leftover[]> {
  const preview = await pulumi.output(["preview", "--json"]);
  const { steps } = readPreview(preview);
  let state = await exportState(pulumi);
  const adopted: Leftover[] = [];
  const urns: string[] = [];
  for (const leftover of leftovers) {
    const as = leftover.lister.adoptedAs(leftover.object);
    const step = as && plannedFor(leftover.object, as, steps);
    if (as && step) {
      state = withAdopted(state, step, as);
      adopted.push(leftover);
      urns.push(step.urn);
      log(
        `adopting ${leftover.object.kind} ${leftover.object.name} as ${step.urn}`,
      );
    }
  }
  if (adopted.length > 0) {
    await importState(pulumi, state);
    await pulumi.output([
      "refresh",
      "--yes",
      "--skip-preview",
      ...urns.flatMap((urn) => ["--target", urn]),
    ]);
  }
  return adopted;
}
