import type { Caller } from "../access/caller";
import type { Cluster } from "../cluster";
import { ApiError } from "./apiError";
import {
  booleanOf,
  checkParameters,
  type Parameters,
  type ParameterSchema,
  type SchemaLookup,
} from "./parameters";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** A file that came with a form. */
export interface UploadedFile {
  readonly fileName: string;
  readonly content: Buffer;
}

/** One call of the API, authenticated and checked against its schema. */
export class Call {
  constructor(
    readonly cluster: Cluster,
    readonly caller: Caller,
    readonly parameters: Parameters,
    readonly files: readonly UploadedFile[] = [],
  ) {}

  /** A parameter that the schema demands. */
  text(name: string): string {
    return this.optionalText(name) ?? "";
  }

  optionalText(name: string): string | undefined {
    const value = this.parameters[name];
    return Array.isArray(value) ? value[0] : value;
  }

  list(name: string): string[] {
    const value = this.parameters[name] ?? [];
    return Array.isArray(value) ? value : [value];
  }

  integer(name: string): number {
    return Number(this.text(name));
  }

  optionalInteger(name: string): number | undefined {
    const value = this.optionalText(name);
    return value === undefined ? undefined : Number(value);
  }

  /** Whether a flag is set; undefined when it is not given. */
  flag(name: string): boolean | undefined {
    const value = this.optionalText(name);
    return value === undefined ? undefined : booleanOf(value);
  }

  get node(): string {
    return this.text("node");
  }

  get vmId(): number {
    return this.integer("vmid");
  }
}

/** A privilege that Proxmox declares for a call and asks for before it looks at the parameters. */
export interface Permission {
  /** Path of the access control list; `{name}` stands for a parameter. */
  readonly path: string;
  readonly privileges: readonly string[];
  /** Whether one of the privileges does. Default: all of them. */
  readonly any?: boolean;
}

/** One entry of the API. */
export interface Route {
  readonly method: Method;
  /** `{name}` stands for a parameter. */
  readonly path: string;
  readonly permissions?: readonly Permission[];
  /** Beside those of the path. Default: none. */
  readonly parameters?: Readonly<Record<string, ParameterSchema>>;
  /** Further parameters that may be there, as the keys of a machine's configuration. */
  readonly moreParameters?: SchemaLookup;
  handle(call: Call): unknown;
}

/** The call that a path stands for. */
export interface Match {
  readonly route: Route;
  readonly pathParameters: Readonly<Record<string, string>>;
}

const pathSchemas: Readonly<Record<string, ParameterSchema>> = {
  node: { type: "string", format: "node" },
  vmid: { type: "integer", minimum: 100, maximum: 999_999_999 },
};

/** Finds the entry of the API for a path, and checks its parameters. */
export class Router {
  private readonly routes: readonly { route: Route; pattern: RegExp }[];

  constructor(routes: readonly Route[]) {
    this.routes = routes.map((route) => ({
      route,
      pattern: new RegExp(
        `^${route.path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}/?$`,
      ),
    }));
  }

  /**
   * @param path below /api2/json, still percent-encoded.
   * @throws ApiError 501 where Proxmox, as far as it is simulated, has no such call.
   */
  find(method: string, path: string): Match {
    for (const { route, pattern } of this.routes) {
      const match = route.method === method ? pattern.exec(path) : null;
      if (match !== null) {
        const pathParameters = Object.fromEntries(
          Object.entries(match.groups ?? {}).map(([name, value]) => [
            name,
            decodeURIComponent(value),
          ]),
        );
        return { route, pathParameters };
      }
    }
    throw new ApiError(501, `Method '${method} ${path}' not implemented`);
  }
}

/** @throws ApiError 400. */
export function checkCall(route: Route, parameters: Parameters): void {
  const listed = route.parameters ?? {};
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(
    (match) => match[1] ?? "",
  );
  checkParameters(
    parameters,
    (name) =>
      listed[name] ??
      (inPath.includes(name)
        ? (pathSchemas[name] ?? { type: "string" })
        : route.moreParameters?.(name)),
    Object.keys(listed),
  );
}

/** @throws ApiError 403 with the privilege that is missing. */
export function checkPermissions(
  route: Route,
  caller: Caller,
  parameters: Parameters,
): void {
  for (const { path, privileges, any } of route.permissions ?? []) {
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
      String(parameters[name] ?? ""),
    );
    if (any) {
      caller.checkAny(filled, privileges);
    } else {
      caller.check(filled, ...privileges);
    }
  }
}
