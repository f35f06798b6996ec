import { messageOf } from "@corral-iac/corral/core/errors";

import type { Fault } from "../frame/define";

/** A fault if the value is a text that the function throws at. */
export function readFaults(
  path: string,
  value: unknown,
  read: (text: string) => unknown,
): Fault[] {
  if (typeof value !== "string") {
    return [];
  }
  try {
    read(value);
    return [];
  } catch (error) {
    return [{ path, reason: `is wrong: ${messageOf(error)}` }];
  }
}
