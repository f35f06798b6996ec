import type { ChildProcess } from "node:child_process";

/** Resolves when the process has ended, also where it has already. */
export function hasEnded(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve();
    } else {
      child.once("exit", () => resolve());
    }
  });
}
