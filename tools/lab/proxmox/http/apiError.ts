/** An answer that Proxmox gives in place of data: its text becomes the HTTP reason phrase. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    reason: string,
    /** What is wrong with which parameter. */
    readonly errors: Readonly<Record<string, string>> = {},
  ) {
    super(reason);
  }
}

/** What a `die` in Proxmox's own code becomes. */
export function failure(reason: string): ApiError {
  return new ApiError(500, reason);
}

export function parameterError(errors: Record<string, string>): ApiError {
  return new ApiError(400, "Parameter verification failed.", errors);
}

/**
 * @param path that was asked for, or a reason.
 * @param privileges the one that is missing, or those of which any would do.
 */
export function permissionError(
  path: string,
  ...privileges: string[]
): ApiError {
  return new ApiError(
    403,
    `Permission check failed (${[path, ...(privileges.length === 0 ? [] : [privileges.join("|")])].join(", ")})`,
  );
}

export function notAuthenticated(reason: string): ApiError {
  return new ApiError(401, reason);
}
