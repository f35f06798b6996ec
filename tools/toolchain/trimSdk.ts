/** Modules at the root of every generated SDK, whatever else of it is kept. */
const FRAME: readonly string[] = ["index", "provider", "utilities"];

/**
 * Leaves of a generated SDK the resources that Corral uses: a provider like Proxmox's has a hundred,
 * and all of them would be compiled, packed and installed everywhere. What stays is as generated.
 *
 * @param tree content by file name; changed in place.
 * @param keep names of modules, for example `virtualEnvironmentVm`.
 * @throws Error that names the modules which the SDK does not have.
 */
export function trimSdk(
  tree: Map<string, string>,
  keep: readonly string[],
): void {
  const lost = keep.filter((name) => !tree.has(`${name}.ts`));
  if (lost.length > 0) {
    throw new Error(`The generated SDK has no module ${lost.join(", ")}`);
  }
  for (const name of [...tree.keys()]) {
    const module = /^([^/]+)\.ts$/.exec(name)?.[1];
    if (module !== undefined && ![...FRAME, ...keep].includes(module)) {
      tree.delete(name);
    }
  }
  tree.set("index.ts", trimIndex(tree.get("index.ts") ?? "", keep));
  trimTypes(tree);
}

/** What index.ts says of a module: its exports, and its entries in the tables for the engine. */
function trimIndex(index: string, keep: readonly string[]): string {
  const isLost = (module: string) => !keep.includes(module);
  return index
    .replace(
      /^export \{[^}]*\} from "\.\/(\w+)";\n(?:export .*\n)*utilities\.lazyLoad.*\n\n/gm,
      (whole, module: string) => (isLost(module) ? "" : whole),
    )
    .replace(
      /^ *case "\w+:index\/(\w+):\w+":\n.*\n/gm,
      (whole, module: string) => (isLost(module) ? "" : whole),
    )
    .replace(
      /^pulumi\.runtime\.registerResourceModule\("\w+", "index\/(\w+)", _module\)\n/gm,
      (whole, module: string) => (isLost(module) ? "" : whole),
    );
}

/** Takes the interfaces out of types/input.ts and types/output.ts that nothing refers to any more. */
function trimTypes(tree: Map<string, string>): void {
  const files = { inputs: "types/input.ts", outputs: "types/output.ts" };
  const used = new Set<string>();
  const note = (text: string): void => {
    for (const [, name] of text.matchAll(/\b((?:inputs|outputs)\.\w+)/g)) {
      if (name !== undefined && !used.has(name)) {
        used.add(name);
        const [kind, type] = name.split(".") as [keyof typeof files, string];
        note(interfaceOf(tree.get(files[kind]) ?? "", type));
      }
    }
  };
  for (const [name, content] of tree) {
    if (!Object.values(files).includes(name)) {
      note(content);
    }
  }
  for (const [kind, file] of Object.entries(files)) {
    const content = tree.get(file);
    if (content !== undefined) {
      tree.set(
        file,
        content.replace(INTERFACE, (whole, type: string) =>
          used.has(`${kind}.${type}`) ? whole : "",
        ),
      );
    }
  }
}

const INTERFACE = /^export interface (\w+) \{\n(?: .*\n)*\}\n\n?/gm;

function interfaceOf(content: string, type: string): string {
  return (
    [...content.matchAll(INTERFACE)].find(([, name]) => name === type)?.[0] ??
    ""
  );
}
