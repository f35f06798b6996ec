/** Writes to the engine's log, on the resource that the operation is about. */
export interface ResourceLog {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  /** A line that the next one replaces, for progress. */
  status(message: string): void;
}

/** What every operation of a resource is given. */
export interface OperationContext {
  readonly urn: string;
  /** The resource's name, as the program gave it. */
  readonly name: string;
  readonly log: ResourceLog;
  /** Aborts when the operation has to stop; its reason is an error that says why. */
  readonly signal: AbortSignal;
  /** When the signal will abort because of customTimeouts, as milliseconds since the epoch. */
  readonly deadline: number | undefined;
  /**
   * Begins to take back what was done, which a stop must not cut off: the operation may take this long
   * even when it has to stop.
   *
   * @returns a signal that aborts only after that time.
   */
  unwind?(seconds: number): AbortSignal;
}
