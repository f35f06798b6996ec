import * as fs from "node:fs";
import * as path from "node:path";
import * as ts from "typescript";
import * as generator from "ts-json-schema-generator";
import { componentSchema, schemaText } from "../pack/componentSchema";

/** Which types become which JSON Schema. */
interface SchemaTarget {
  /** Source file, from the repository's root. */
  readonly source: string;
  /** Exported interfaces to describe. */
  readonly types: readonly string[];
  /** Files that get the schema, from the repository's root. */
  readonly outputs: readonly string[];
  /** Whether text may be given as `fromConfig: KEY`, as fleet files allow. */
  readonly allowFromConfig: boolean;
}

const TARGETS: readonly SchemaTarget[] = [
  {
    source: "components/libvirt/args.ts",
    types: [
      "LibvirtVmArgs",
      "LibvirtPoolArgs",
      "LibvirtNetworkArgs",
      "LibvirtImageArgs",
    ],
    outputs: ["components/libvirt/args.schema.json"],
    allowFromConfig: false,
  },
  {
    source: "components/proxmox/args.ts",
    types: ["ProxmoxVmArgs"],
    outputs: ["components/proxmox/args.schema.json"],
    allowFromConfig: false,
  },
  {
    source: "components/microvm/args.ts",
    types: ["MicroVmArgs"],
    outputs: ["components/microvm/args.schema.json"],
    allowFromConfig: false,
  },
  {
    source: "components/microvm/hostArgs.ts",
    types: ["MicroVmHostArgs"],
    outputs: ["components/microvm/hostArgs.schema.json"],
    allowFromConfig: false,
  },
  {
    source: "components/kubevirt/baseArgs.ts",
    types: ["KubevirtClusterArgs", "KubevirtBaseSnapshotsArgs"],
    outputs: ["components/kubevirt/args.schema.json"],
    allowFromConfig: false,
  },
  {
    source: "components/guest/fileInjectionArgs.ts",
    types: ["FileInjectionArgs"],
    outputs: ["components/guest/fileInjection.schema.json"],
    allowFromConfig: false,
  },
  {
    source: "components/guest/nfsMountArgs.ts",
    types: ["NfsMountArgs", "NfsShareArgs"],
    outputs: ["components/guest/nfsMount.schema.json"],
    allowFromConfig: false,
  },
  {
    source: "components/guest/guestFeatureArgs.ts",
    types: ["GuestFeatureArgs"],
    outputs: ["components/guest/guestFeature.schema.json"],
    allowFromConfig: false,
  },
  {
    source: "components/fleet/types.ts",
    types: ["Fleet"],
    outputs: ["components/fleet/fleet.schema.json", "stacks/fleet.schema.json"],
    allowFromConfig: true,
  },
];

/**
 * Makes the JSON Schemas of arguments and fleet files from their TypeScript types.
 *
 * @param root the repository's root.
 * @returns the text of every schema file by its path from the root.
 */
export function generateSchemas(root: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const target of TARGETS) {
    const text = `${JSON.stringify(schemaOf(root, target), undefined, 2)}\n`;
    target.outputs.forEach((output) => files.set(output, text));
  }
  return files;
}

/**
 * Writes the schemas into the repository, or with `--check` fails when they differ from it. That of
 * the component package is only written here: its check is a test of the engine suite.
 */
export async function main(args: readonly string[]): Promise<number> {
  const root = path.resolve(__dirname, "../../..");
  const checkOnly = args.includes("--check");
  const files = generateSchemas(root);
  if (!checkOnly) {
    const components = await componentSchema(path.join(root, "components"));
    files.set("components/schema.json", schemaText(components));
  }
  let stale = 0;
  for (const [file, text] of files) {
    const absolute = path.join(root, file);
    if (fs.existsSync(absolute) && fs.readFileSync(absolute, "utf8") === text) {
      continue;
    }
    stale += 1;
    if (checkOnly) {
      console.error(
        `${file} differs from the TypeScript types: run npm run schema`,
      );
    } else {
      fs.writeFileSync(absolute, text);
      console.log(`wrote ${file}`);
    }
  }
  return checkOnly && stale > 0 ? 1 : 0;
}

function schemaOf(root: string, target: SchemaTarget): generator.Schema {
  const config: generator.CompletedConfig = {
    ...generator.DEFAULT_CONFIG,
    path: path.join(root, target.source),
    tsconfig: path.join(root, "components/tsconfig.json"),
    skipTypeCheck: true,
    jsDoc: "extended",
    sortProps: true,
    topRef: true,
    additionalProperties: false,
  };
  const program = generator.createProgram(config);
  const parser = generator.createParser(program, config, (chain) =>
    chain.addNodeParser(
      new InputParser(
        chain as unknown as generator.NodeParser,
        target.allowFromConfig,
      ),
    ),
  );
  const formatter = generator.createFormatter(config);
  const schemas = new generator.SchemaGenerator(
    program,
    parser,
    formatter,
    config,
  );
  const definitions = target.types.map(
    (type) => schemas.createSchema(type).definitions,
  );
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    ...(target.types.length === 1
      ? { $ref: `#/definitions/${target.types[0]}` }
      : {}),
    definitions: Object.assign(
      {},
      ...definitions,
    ) as generator.Schema["definitions"],
  };
}

/** Reads Pulumi's `Input<T>` as `T`: what a user writes is the value. */
class InputParser implements generator.SubNodeParser {
  constructor(
    private readonly inner: generator.NodeParser,
    private readonly allowFromConfig: boolean,
  ) {}

  supportsNode(node: ts.Node): boolean {
    return (
      ts.isTypeReferenceNode(node) && node.typeName.getText() === "pulumi.Input"
    );
  }

  createType(
    node: ts.TypeReferenceNode,
    context: generator.Context,
  ): generator.BaseType {
    const argument = node.typeArguments?.[0];
    if (argument === undefined) {
      throw new Error(
        `pulumi.Input without a type argument at ${node.getSourceFile().fileName}`,
      );
    }
    const type = this.inner.createType(argument, context);
    return this.allowFromConfig && type instanceof generator.StringType
      ? new generator.UnionType([type, FROM_CONFIG])
      : type;
  }
}

const FROM_CONFIG = new generator.DefinitionType(
  "FromConfig",
  new generator.ObjectType(
    "FromConfig",
    [],
    [
      new generator.ObjectProperty(
        "fromConfig",
        new generator.StringType(),
        true,
      ),
    ],
    false,
  ),
);
