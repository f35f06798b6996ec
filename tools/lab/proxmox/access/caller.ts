import { permissionError } from "../http/apiError";
import type { ClusterState } from "../state/model";

/** Who calls, and what he may do. */
export class Caller {
  /**
   * @param user name of the user or token: `USER@REALM` or `USER@REALM!TOKEN`.
   * @param state for the pools of machines.
   * @param privileges by path of the access control list; undefined: all of them everywhere.
   */
  constructor(
    readonly user: string,
    private readonly state: ClusterState,
    private readonly privileges?: Readonly<Record<string, readonly string[]>>,
  ) {}

  /** Whether it is the one user that some options are kept for; never a token. */
  get isRoot(): boolean {
    return this.user === "root@pam";
  }

  has(path: string, privilege: string): boolean {
    return (
      this.privileges === undefined ||
      this.privilegesAt(path).includes(privilege)
    );
  }

  /** @throws ApiError 403 with the first privilege that is missing. */
  check(path: string, ...privileges: readonly string[]): void {
    const missing = privileges.find((privilege) => !this.has(path, privilege));
    if (missing !== undefined) {
      throw permissionError(path, missing);
    }
  }

  /** @throws ApiError 403 when it has none of the privileges. */
  checkAny(path: string, privileges: readonly string[]): void {
    if (!privileges.some((privilege) => this.has(path, privilege))) {
      throw permissionError(path, ...privileges);
    }
  }

  /** A machine's privileges are those of its own path and those of its pool's together. */
  private privilegesAt(path: string): readonly string[] {
    const vmId = /^\/vms\/(\d+)$/.exec(path)?.[1];
    const pool =
      vmId === undefined ? undefined : this.state.machines[vmId]?.pool;
    return [
      ...this.inherited(path),
      ...(pool === undefined ? [] : this.inherited(`/pool/${pool}`)),
    ];
  }

  /** The entry of the path itself, else of the nearest one above. */
  private inherited(path: string): readonly string[] {
    for (let at = path; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
      const entry = this.privileges?.[at];
      if (entry !== undefined) {
        return entry;
      }
    }
    return this.privileges?.["/"] ?? [];
  }
}
