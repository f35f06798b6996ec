import * as fs from "node:fs";
import * as path from "node:path";
import ts from "typescript";
import { parse, stringify } from "yaml";
import { REPOSITORY } from "./testStack";

/**
 * An example as a user copies it, with its dependencies, and the plugin, which `corral setup` would
 * install.
 *
 * @param name its folder below `examples`.
 * @param program the folder to make.
 * @param options `translated`: its TypeScript as JavaScript, which starts seconds earlier.
 */
export function copyExample(
  name: string,
  program: string,
  options: { readonly translated?: boolean } = {},
): string {
  fs.cpSync(path.join(REPOSITORY, "examples", name), program, {
    recursive: true,
  });
  fs.symlinkSync(
    path.join(REPOSITORY, "node_modules"),
    path.join(program, "node_modules"),
  );
  const project = path.join(program, "Pulumi.yaml");
  const declared = parse(fs.readFileSync(project, "utf8")) as object;
  const ops = {
    name: "corral-ops",
    path: path.join(REPOSITORY, "provider", "bin"),
  };
  fs.writeFileSync(
    project,
    stringify({
      ...declared,
      plugins: { providers: [ops] },
      ...(options.translated && translate(program)),
    }),
  );
  return program;
}

/** Translates index.ts; returns what Pulumi.yaml says of it. */
function translate(program: string): object {
  const source = fs.readFileSync(path.join(program, "index.ts"), "utf8");
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: {
      module: ts.ModuleKind.CommonJS,
      target: ts.ScriptTarget.ES2022,
      esModuleInterop: true,
    },
  });
  fs.writeFileSync(path.join(program, "index.js"), outputText);
  return {
    main: "index.js",
    runtime: { name: "nodejs", options: { typescript: false } },
  };
}
