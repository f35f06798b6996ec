import * as assert from "node:assert/strict";
import { validateLibvirtVm } from "@corral-iac/corral/libvirt/validation";
import { MINIMAL } from "./vmArgs";

/** Asserts that the arguments, right but for these, have one fault and no other. */
export function assertFault(more: object, path: string, problem: RegExp): void {
  const faults = validateLibvirtVm({ ...MINIMAL, ...more });
  assert.equal(faults.length, 1, JSON.stringify(faults));
  assert.equal(faults[0]?.path, path);
  assert.match(faults[0]?.problem, problem);
}

/** A test for each case: what the fault says of which argument, and what the user wrote. */
export function cases(
  list: readonly (readonly [path: string, problem: RegExp, given: object])[],
): void {
  for (const [path, problem, given] of list) {
    it(`${path} ${problem.source}: ${JSON.stringify(given)}`, () => {
      assertFault(given, path, problem);
    });
  }
}
