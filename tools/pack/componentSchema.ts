import * as fs from "node:fs";
import * as path from "node:path";
import {
  ComponentProvider,
  getPulumiComponents,
} from "@pulumi/pulumi/provider/experimental";

/**
 * The Pulumi schema of the component package in a folder, inferred from its TypeScript sources by
 * the SDK's own analysis: what `pulumi package get-schema FOLDER` asks for, without an engine and
 * without an installation of dependencies.
 *
 * @param folder of the package: package.json, tsconfig.json, sources, and compiled code in `bin`.
 * @throws Error of the analysis, with component and property, when a type cannot be told.
 */
export async function componentSchema(
  folder: string,
): Promise<ComponentSchema> {
  const manifest = JSON.parse(
    fs.readFileSync(path.join(folder, "package.json"), "utf8"),
  ) as { name: string };
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const components = getPulumiComponents(require(folder));
  const name = /^(?:@([^/]+)\/)?(.+)$/.exec(manifest.name);
  const provider = new ComponentProvider({
    name: name?.[2] ?? manifest.name,
    namespace: name?.[1],
    dirname: folder,
    components,
  });
  return JSON.parse(await provider.getSchema()) as ComponentSchema;
}

/** As far as Corral looks into it. */
export interface ComponentSchema {
  readonly name: string;
  readonly version: string;
  readonly types: Readonly<Record<string, unknown>>;
  readonly resources: Readonly<Record<string, unknown>>;
}

/** The schema as it is kept in the repository: keys sorted, so that a difference shows itself. */
export function schemaText(schema: ComponentSchema): string {
  return `${JSON.stringify(sorted(schema), undefined, 2)}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** Where a schema says that anything goes (`pulumi.json#/Any`): types that were not understood. */
export function untypedPlaces(schema: unknown, place = ""): string[] {
  if (typeof schema !== "object" || schema === null) {
    return [];
  }
  return Object.entries(schema).flatMap(([key, inner]) =>
    key === "$ref" && inner === "pulumi.json#/Any"
      ? [place]
      : untypedPlaces(inner, place === "" ? key : `${place}.${key}`),
  );
}
