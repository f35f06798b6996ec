import Table from "cli-table3";
import type { Located } from "@corral-iac/corral/core/inventory/classify";
import { parseUrn } from "../engine/urn";
import type { Inventory, Leftover } from "./take";

/** Rows for people: kind, name, where, state, whose. */
export function objectsTable(
  objects: readonly (Located & Pick<Partial<Leftover>, "usedBy">)[],
): string {
  return table(
    ["kind", "name", "where", "state", "made for"],
    objects.map(({ place, object, usedBy }) => [
      object.kind,
      object.name,
      place,
      usedBy === undefined
        ? object.detail
        : `${object.detail}, used by ${usedBy}`,
      object.owner?.description ?? `stamp ${object.owner?.stampId ?? "none"}`,
    ]),
  );
}

/** Rows of resources that stand for nothing. */
export function missingTable(missing: Inventory["missing"]): string {
  return table(
    ["resource", "type", "where", "was"],
    missing.map(({ urn, type, place, handle }) => [
      parseUrn(urn)?.name ?? urn,
      type,
      place,
      handle,
    ]),
  );
}

/** Borderless, so that it can be read and cut by other programs. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const plain = new Table({
    head: [...head],
    style: { head: [], border: [], "padding-left": 2, "padding-right": 0 },
    chars: NO_BORDERS,
  });
  plain.push(...rows.map((row) => [...row]));
  return plain
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

const NO_BORDERS = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "",
};
