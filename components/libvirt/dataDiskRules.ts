import { eachItem, field, knownNow, textForm } from "../core/argumentRules";
import { type Fault, show } from "../core/faults";
import { isRecord, isText } from "../core/later";

/** A guest sees a disk's name as its serial number, for which virtio has 20 bytes. */
const LONGEST_DISK_NAME = 20;

/** What tells a disk's volume apart on the hypervisor. */
export interface DataDiskIdentity {
  /** Name of the machine's domain. */
  readonly domain: string;
  /** The disk's own name. */
  readonly disk: string;
  readonly keep: boolean;
  /** The part of the stamp that stands in names. */
  readonly shortId: string;
}

/** Name of the volume. That of a disk to keep says so, by which the inventory leaves it alone. */
export function dataDiskVolume(identity: DataDiskIdentity): string {
  const { domain, disk, keep, shortId } = identity;
  return `${domain}-data-${disk}${keep ? "-kept" : ""}-${shortId}.qcow2`;
}

/** What the JSON Schema of `dataDisks` cannot say. */
export function dataDiskRules(args: Record<string, unknown>): Fault[] {
  const { dataDisks } = args;
  return [
    ...(Array.isArray(dataDisks)
      ? dataDisks.flatMap((disk, index) =>
          knownNow(`dataDisks[${index}]`, disk),
        )
      : []),
    ...eachItem("dataDisks", dataDisks, (path, { name, keep, adopt }) => [
      ...knownNow(`${path}.name`, name),
      ...knownNow(`${path}.keep`, keep),
      ...textForm(
        `${path}.name`,
        name,
        (text) =>
          /^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(text) &&
          text.length <= LONGEST_DISK_NAME,
        `1 to ${LONGEST_DISK_NAME} lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen`,
      ),
      ...textForm(
        `${path}.adopt`,
        adopt,
        (text) => text.trim() !== "" && !text.includes("/"),
        "the name of a volume in the machine's pool",
      ),
    ]),
    ...twice("name", dataDisks),
    ...twice("adopt", dataDisks),
  ];
}

/** Two disks of one machine cannot be the same one. */
function twice(name: "name" | "adopt", disks: unknown): Fault[] {
  const first = new Map<string, number>();
  return eachItem("dataDisks", disks, (path, disk) => {
    const value = disk[name];
    const index = Number(/\d+/.exec(path)?.[0]);
    if (!isText(value)) {
      return [];
    }
    const before = first.get(value);
    if (before === undefined) {
      first.set(value, index);
      return [];
    }
    return [
      {
        path: `${path}.${name}`,
        problem: `is ${show(value)}, must be another than that of dataDisks[${before}]`,
      },
    ];
  });
}

/**
 * Disks that outlive the machine cannot be in a pool that goes with it.
 *
 * @param keepDefault what a disk does that does not say it.
 */
export function keptInOwnPool(args: unknown, keepDefault: boolean): Fault[] {
  if (!isRecord(field(args, "pool", "create"))) {
    return [];
  }
  return eachItem("dataDisks", field(args, "dataDisks"), (path, { keep }) =>
    (keep ?? keepDefault) === true
      ? [
          {
            path: `${path}.keep`,
            problem: `is true${keep === undefined ? " by default" : ""}, must be false with pool.create: that pool is deleted with the machine. For a disk to keep name a pool that stays: pool.name`,
          },
        ]
      : [],
  );
}
