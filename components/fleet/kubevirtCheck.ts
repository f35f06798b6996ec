import { textForm } from "../core/argumentRules";
import type { Fault } from "../core/faults";
import { baseSnapshotRules } from "../kubevirt/baseValidation";
import { clusterRules } from "../kubevirt/validation";
import { eachNamed, entries, under } from "./checkNames";

const KINDS = ["machines", "microVms", "kubevirtBaseSnapshots"] as const;

/** The faults of a fleet's clusters and base snapshots beside their shape. */
export function kubevirtFaults(fleet: Record<string, unknown>): Fault[] {
  const { kubevirts, kubevirtBaseSnapshots, kubevirtClusters } = fleet;
  const oneOfFleet = (path: string, value: unknown, there: unknown) => {
    const known = entries(there).map(([name]) => name);
    return textForm(
      path,
      value,
      (text) => known.includes(text),
      `one of this fleet: ${known.join(", ") || "none is declared"}`,
    );
  };
  return [
    ...eachNamed("kubevirts", kubevirts, () => []),
    ...eachNamed(
      "kubevirtBaseSnapshots",
      kubevirtBaseSnapshots,
      (path, { kubevirt, ...args }) => [
        ...oneOfFleet(`${path}.kubevirt`, kubevirt, kubevirts),
        ...under(path, baseSnapshotRules(args)),
      ],
    ),
    ...eachNamed(
      "kubevirtClusters",
      kubevirtClusters,
      (path, { kubevirt, baseSnapshots, ...args }) => {
        const name = path.replace(/^kubevirtClusters\./, "");
        const base = entries(kubevirtBaseSnapshots).find(
          ([one]) => one === baseSnapshots,
        )?.[1];
        return [
          ...oneOfFleet(`${path}.kubevirt`, kubevirt, kubevirts),
          ...oneOfFleet(
            `${path}.baseSnapshots`,
            baseSnapshots,
            kubevirtBaseSnapshots,
          ),
          ...(base !== undefined && base.kubevirt !== kubevirt
            ? [
                {
                  path: `${path}.baseSnapshots`,
                  problem: "is on another of kubevirts",
                },
              ]
            : []),
          ...["snapshots", "fromSession"]
            .filter(
              (other) =>
                args[other] !== undefined && baseSnapshots !== undefined,
            )
            .map((other) => ({
              path: `${path}.${other}`,
              problem: "is given beside baseSnapshots, must be one of both",
            })),
          ...KINDS.filter((kind) =>
            entries(fleet[kind]).some(([one]) => one === name),
          ).map((kind) => ({
            path,
            problem: `is the name of one of ${kind} too`,
          })),
          ...under(path, clusterRules(args, name)),
        ];
      },
    ),
  ];
}
