import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { validateFleet } from "@corral-iac/corral/fleet/check";
import { parse } from "yaml";
import {
  codeBlocks,
  codeSpans,
  readPage,
  section,
  tableRows,
} from "../../support/markdown";

const REPOSITORY = path.resolve(__dirname, "../../../..");

/** Every page, from the repository's root. */
const PAGES = ["README.md", ...pagesUnder("docs"), ...pagesUnder("examples")];

function pagesUnder(folder: string): string[] {
  const files = fs.readdirSync(path.join(REPOSITORY, folder), {
    recursive: true,
  }) as string[];
  return files
    .filter((file) => file.endsWith(".md") && !file.includes("node_modules"))
    .map((file) => path.join(folder, file));
}

interface Schema {
  readonly $ref?: string;
  readonly properties?: Record<string, Schema>;
  readonly items?: Schema;
}

/** Paths of all arguments of a type of a generated JSON Schema. */
function argumentPaths(type: string, schemaFile: string): string[] {
  const { definitions } = JSON.parse(readPage(schemaFile)) as {
    definitions: Record<string, Schema>;
  };
  const resolved = (schema: Schema): Schema =>
    definitions[schema.$ref?.split("/").at(-1) ?? ""] ?? schema;
  const pathsOf = (schema: Schema, at: string): string[] => {
    const { properties, items } = resolved(schema);
    // Another place is told as the machine's own one.
    if (schema.$ref?.endsWith("/MicroVmPlace") && at !== "host") {
      return [at];
    }
    if (items) {
      const inner = pathsOf(items, `${at}[]`);
      return resolved(items).properties ? inner : [at];
    }
    return properties
      ? Object.entries(properties).flatMap(([name, inner]) =>
          pathsOf(inner, at === "" ? name : `${at}.${name}`),
        )
      : [at];
  };
  return pathsOf({ $ref: type }, "");
}

describe("the pages", () => {
  it("link to what is there", () => {
    const broken = PAGES.flatMap((page) =>
      links(readPage(page))
        .filter((link) => !isThere(page, link))
        .map((link) => `${page}: ${link}`),
    );
    assert.deepEqual(broken, []);
  });

  it("name npm scripts that exist", () => {
    const { scripts } = JSON.parse(readPage("package.json")) as {
      scripts: Record<string, string>;
    };
    const named = PAGES.flatMap((page) => [
      ...readPage(page).matchAll(/npm run ([a-z:]+)/g),
    ]).map(([, script]) => script ?? "");
    assert.deepEqual(
      named.filter((script) => scripts[script] === undefined),
      [],
    );
  });

  it("say what the two commands of the README are", () => {
    const readme = readPage("README.md");
    assert.match(readme, /npm start/);
    assert.match(readme, /npm test/);
  });
});

/** The pages of components: where their arguments, outputs and examples stand. */
const COMPONENTS = [
  {
    page: "docs/libvirt-vm.md",
    type: "LibvirtVmArgs",
    schema: "components/libvirt/args.schema.json",
    source: "components/libvirt/libvirtVm.ts",
    example: "examples/libvirt-vm/index.ts",
  },
  {
    page: "docs/file-injection.md",
    type: "FileInjectionArgs",
    schema: "components/guest/fileInjection.schema.json",
    source: "components/guest/fileInjection.ts",
    example: "examples/file-injection/index.ts",
  },
  {
    page: "docs/proxmox-vm.md",
    type: "ProxmoxVmArgs",
    schema: "components/proxmox/args.schema.json",
    source: "components/proxmox/proxmoxVm.ts",
    example: "examples/proxmox-vm/index.ts",
  },
  {
    page: "docs/micro-vm.md",
    type: "MicroVmArgs",
    schema: "components/microvm/args.schema.json",
    source: "components/microvm/microVm.ts",
    example: "examples/micro-vm/index.ts",
  },
  {
    page: "docs/kubevirt-cluster.md",
    type: "KubevirtClusterArgs",
    schema: "components/kubevirt/args.schema.json",
    source: "components/kubevirt/kubevirtCluster.ts",
    example: "examples/kubevirt-cluster/index.ts",
  },
  {
    page: "docs/kubevirt-base-snapshots.md",
    type: "KubevirtBaseSnapshotsArgs",
    schema: "components/kubevirt/args.schema.json",
    source: "components/kubevirt/kubevirtBaseSnapshots.ts",
    example: "examples/kubevirt-cluster/index.ts",
  },
];

for (const { page: name, type, schema, source, example } of COMPONENTS) {
  describe(name, () => {
    const page = readPage(name);

    it("has a line for each argument, and no other", () => {
      const told = tableRows(section(page, "Arguments")).flatMap(
        ([first = ""]) => codeSpans(first),
      );
      assert.deepEqual(told.sort(), argumentPaths(type, schema).sort());
    });

    it("has a line for each output, and no other", () => {
      const outputs = [
        ...readPage(source).matchAll(/public readonly (\w+):/g),
      ].map(([, output]) => output);
      const told = tableRows(section(page, "Outputs")).flatMap(([first = ""]) =>
        codeSpans(first),
      );
      assert.ok(outputs.length > 0);
      assert.deepEqual(told.sort(), outputs.sort());
    });

    it("shows the example as it is", () => {
      const [shown] = codeBlocks(section(page, "A complete example"), "ts");
      assert.equal(shown, readPage(example));
    });
  });
}

describe("docs/fleet.md", () => {
  it("shows fleets without a fault", () => {
    const blocks = codeBlocks(readPage("docs/fleet.md"), "yaml").map(
      (text) => parse(text) as Record<string, unknown>,
    );
    const fleets = blocks.map(
      (block) =>
        (block.config as Record<string, unknown> | undefined)?.[
          "corral:fleet"
        ] ?? block,
    );
    assert.ok(fleets.length > 1);
    for (const fleet of fleets) {
      assert.deepEqual(validateFleet(fleet), []);
    }
  });
});

/** Relative links of a page; those in code are none. */
function links(markdown: string): string[] {
  const text = markdown
    .replace(/^```[\s\S]*?^```$/gm, "")
    .replace(/`[^`\n]*`/g, "");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link ?? "")
    .filter((link) => !/^[a-z]+:/.test(link));
}

function isThere(page: string, link: string): boolean {
  const [file = "", anchor] = link.split("#");
  const target = file === "" ? page : path.join(path.dirname(page), file);
  if (!fs.existsSync(path.join(REPOSITORY, target))) {
    return false;
  }
  return anchor === undefined || anchors(readPage(target)).includes(anchor);
}

/** The names by which GitHub links to a page's headings. */
function anchors(markdown: string): string[] {
  return markdown
    .split("\n")
    .filter((line) => /^#+ /.test(line))
    .map((line) =>
      line
        .replace(/^#+ /, "")
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replace(/ /g, "-"),
    );
}
