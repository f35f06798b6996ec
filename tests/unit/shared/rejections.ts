import * as sdkState from "@pulumi/pulumi/runtime/state";

/**
 * What the program fails with. The SDK leaves the failures of resources to the process, which they
 * would end, and what waits for the failed resource waits for ever.
 */
export async function firstRejection(program: () => void): Promise<unknown> {
  const before = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  try {
    const failure = new Promise((resolve) => {
      process.on("unhandledRejection", resolve);
    });
    program();
    const reason = await failure;
    await nextTurn();
    return reason;
  } finally {
    process.removeAllListeners("unhandledRejection");
    before.forEach((listener) => process.on("unhandledRejection", listener));
    forgetPromises();
  }
}

/** Otherwise the SDK complains, at the end of the process, of what waits for ever. */
function forgetPromises(): void {
  const { getStore } = sdkState as unknown as {
    getStore(): { leakCandidates: Set<unknown> };
  };
  getStore().leakCandidates.clear();
}

/** Until the event loop has turned once. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
