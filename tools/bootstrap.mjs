// The start of every npm script: dependencies, compilation, then the command itself.
// Plain JavaScript without dependencies, because it runs before anything is installed.
// Usage: node tools/bootstrap.mjs COMMAND [ARGUMENT...]
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const oldestNode = 20;
/** What each command needs compiled (scopes of build.mjs). */
const scopeOf = { setup: "setup", lab: "setup", test: "all" };

function checkNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < oldestNode) {
    throw new Error(
      `Node.js ${process.versions.node} is too old; Corral needs ${oldestNode} or newer. ` +
        "Install it from https://nodejs.org or by your version manager (nvm install 20).",
    );
  }
  return `${process.versions.node}`;
}

/** Installs the dependencies of the lock file unless they are the installed ones. */
function installDependencies() {
  const lock = fs.readFileSync(path.join(root, "package-lock.json"));
  const hash = createHash("sha256").update(lock).digest("hex");
  const stamp = path.join(root, "node_modules/.corral-lock-hash");
  if (readOr(stamp) === hash) {
    return "ok";
  }
  let outcome = "ok";
  if (!installedAs(JSON.parse(lock))) {
    say("npm dependencies: installing those of package-lock.json ...");
    npmCi();
    outcome = "installed";
  }
  fs.writeFileSync(stamp, hash);
  return outcome;
}

/** Whether npm's own record of what it installed agrees with the lock file. */
function installedAs(lock) {
  const record = readOr(path.join(root, "node_modules/.package-lock.json"));
  if (record === undefined) {
    return false;
  }
  const installed = JSON.parse(record).packages ?? {};
  return Object.entries(lock.packages).every(([name, wanted]) => {
    if (!name.startsWith("node_modules/")) {
      return true; // The root and the workspaces' own folders.
    }
    const found = installed[name];
    return found === undefined
      ? Boolean(wanted.optional || wanted.peer)
      : found.version === wanted.version && found.link === wanted.link;
  });
}

function npmCi() {
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  // npm tells the scripts that it runs where it stands itself.
  const own = process.env.npm_execpath;
  const [command, ...rest] = own?.endsWith(".js")
    ? [process.execPath, own, ...args]
    : ["npm", ...args];
  const result = spawnSync(command, rest, {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    timeout: 1_200_000,
  });
  if (result.status !== 0) {
    const why = result.error ? ` (${result.error.message})` : "";
    throw new Error(
      `npm ci failed${why}. Is the package registry within reach? Try by hand: npm ci`,
    );
  }
}

async function compile(command) {
  const { build } = await import("./build.mjs");
  return (await build(scopeOf[command] ?? "run")) ? "compiled" : "ok";
}

async function step(what, body) {
  const begun = performance.now();
  const outcome = await body();
  const took = `${((performance.now() - begun) / 1000).toFixed(1)} s`;
  say(`${what.padEnd(42)} ${outcome.padEnd(24)} ${took.padStart(8)}`);
}

function say(line) {
  console.log(line);
}

function readOr(file) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

try {
  await step("Node.js", checkNode);
  await step("npm dependencies", installDependencies);
  await step("TypeScript", () => compile(process.argv[2]));
} catch (error) {
  console.error(`\nError: ${error.message}`);
  process.exit(1);
}
// main.js reads its arguments from process.argv, as if it had been called itself.
createRequire(import.meta.url)("./bin/main.js");
