import type { OwnershipStamp } from "../core/stamp";
import {
  parseStampText,
  renderStampText,
  stampTags,
  stampTextField,
} from "../core/stampText";

/** Tag of what stays on the hypervisor on purpose when its machine is deleted. */
export const KEPT_TAG = "corral-kept";

/** Tag of a machine that never runs and only owns a data disk. */
export const HOLDER_TAG = "corral-disk";

const VM_ID = "vmid";

/** A machine's description: the user's text, and below it the line that says whose it is. */
export function renderDescription(
  stamp: OwnershipStamp,
  vmId: number,
  text: string | undefined,
): string {
  // The provider trims what it sends and reads back, and turns ends of line.
  const own = (text ?? "").replaceAll("\r\n", "\n").trim();
  const line = renderStampText(stamp, { [VM_ID]: String(vmId) });
  return own === "" ? line : `${own}\n\n${line}`;
}

/**
 * Whose a machine is, by its description. That of a copy which somebody made by hand, a clone or a
 * restored backup, is the original's and names its VM id: the copy is nobody's.
 */
export function ownerOf(
  description: string,
  vmId: number,
): OwnershipStamp | undefined {
  return stampTextField(description, VM_ID) === String(vmId)
    ? parseStampText(description)
    : undefined;
}

/** A machine's tags: the user's and the stamp's, as Proxmox VE keeps them. */
export function renderTags(
  stampId: string,
  tags: readonly string[] | undefined,
): string[] {
  return [...new Set([...(tags ?? []), ...stampTags(stampId)])].sort();
}
