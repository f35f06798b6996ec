import { isBuiltin } from "node:module";

/** Loads by name in compiled code: `require("x")`, `require.resolve("x")`, `import("x")`. */
const LOAD = /\b(?:require(?:\.resolve)?|import)\(\s*["']([^"']+)["']\s*\)/g;

/** The packages that compiled code loads by name, without Node's own, sorted. */
export function importedPackages(code: string): string[] {
  const packages = new Set<string>();
  for (const [, module = ""] of code.matchAll(LOAD)) {
    if (
      !module.startsWith(".") &&
      !module.startsWith("/") &&
      !isBuiltin(module)
    ) {
      packages.add(packageOf(module));
    }
  }
  return [...packages].sort();
}

/** `@scope/name/file` is of the package `@scope/name`, `name/file` of `name`. */
function packageOf(module: string): string {
  return module
    .split("/")
    .slice(0, module.startsWith("@") ? 2 : 1)
    .join("/");
}
