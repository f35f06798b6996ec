/** An operation was stopped because the engine asked for it, or because the engine is gone. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";
}

/** What is asked for must not be done; a preview that finds it out fails too. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

/** An operation took longer than the bound that it was given. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/**
 * The operation failed, but something exists all the same. Thrown by `create` or `update`, it puts
 * what exists into the state, so that nothing is forgotten and the next run mends it by an update.
 */
export class PartialFailure extends Error {
  override readonly name = "PartialFailure";

  /**
   * @param id The resource's id.
   * @param outputs What is known of it; same form as the resource's outputs.
   * @param reasons What went wrong, for the user.
   */
  constructor(
    readonly id: string,
    readonly outputs: object,
    readonly reasons: readonly string[],
  ) {
    super(reasons.join("\n"));
  }
}
