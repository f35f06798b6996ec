import * as fs from "node:fs";
import execa from "execa";
import { readPackage, type CorralPackage } from "../package";
import { stepLine } from "../report";
import { isOnPath, missingTools, missingToolsWarning } from "./hostTools";
import {
  installedPlugin,
  PLUGIN,
  pluginState,
  pulumiHome,
  type PluginState,
} from "./pluginState";
import {
  missingPulumi,
  parsePulumiVersion,
  pulumiFault,
  showVersion,
} from "./pulumiVersion";

/** Exit code of `--check` when something is to be installed. */
const NOT_INSTALLED = 3;

const VERSION_TIMEOUT_SECONDS = 30;
const INSTALL_TIMEOUT_SECONDS = 120;

/**
 * The command `corral setup`.
 *
 * @returns its exit code.
 * @throws Error that says what is wrong and what helps.
 */
export async function setup(options: {
  readonly checkOnly: boolean;
}): Promise<number> {
  const corral = readPackage();
  if (!fs.existsSync(corral.plugin)) {
    throw new Error(
      `The plugin is missing in this package: ${corral.plugin} is not there. ` +
        "Install the package @corral-iac/corral anew (in a clone of Corral: npm run build).",
    );
  }
  await step("Pulumi command", checkPulumi);
  const code = options.checkOnly
    ? await checkPlugin(corral)
    : await ensurePlugin(corral);
  await step("Programs for libvirt", checkHostTools);
  return code;
}

/** Runs a step and prints how it went and how long it took. */
async function step(
  what: string,
  body: () => string | Promise<string>,
): Promise<void> {
  const began = performance.now();
  const outcome = await body();
  console.log(stepLine(what, outcome, performance.now() - began));
}

async function checkPulumi(): Promise<string> {
  if (!isOnPath("pulumi")) {
    throw new Error(missingPulumi());
  }
  const printed = await pulumi(["version"], VERSION_TIMEOUT_SECONDS);
  const fault = pulumiFault(printed);
  if (fault !== undefined) {
    throw new Error(fault);
  }
  const version = parsePulumiVersion(printed);
  return version === undefined ? "ok" : showVersion(version);
}

async function checkPlugin(corral: CorralPackage): Promise<number> {
  const state = stateOf(corral);
  await step(`Plugin ${PLUGIN} ${corral.version}`, () =>
    state === "installed" ? "ok" : stateWords[state],
  );
  if (state === "installed") {
    return 0;
  }
  console.log("corral setup installs the plugin of this package.");
  return NOT_INSTALLED;
}

const stateWords = {
  missing: "not installed",
  different: "another build is there",
} as const satisfies Record<Exclude<PluginState, "installed">, string>;

async function ensurePlugin(corral: CorralPackage): Promise<number> {
  await step(`Plugin ${PLUGIN} ${corral.version}`, async () => {
    if (stateOf(corral) === "installed") {
      return "ok";
    }
    await installPlugin(corral);
    return "installed";
  });
  return 0;
}

function stateOf({ plugin, version }: CorralPackage): PluginState {
  return pluginState(plugin, installedPlugin(pulumiHome(), version));
}

async function installPlugin(corral: CorralPackage): Promise<void> {
  const { plugin, version } = corral;
  await pulumi(
    [
      ...["plugin", "install", "resource", PLUGIN, version],
      ...["--file", plugin, "--reinstall"],
    ],
    INSTALL_TIMEOUT_SECONDS,
  );
  if (stateOf(corral) !== "installed") {
    throw new Error(
      `pulumi reported no error, but the plugin is not at ${installedPlugin(pulumiHome(), version)}. ` +
        `Set PULUMI_HOME (now "${process.env.PULUMI_HOME ?? ""}") to the folder that pulumi uses.`,
    );
  }
}

function checkHostTools(): string {
  const missing = missingTools((command) => isOnPath(command));
  if (missing.length === 0) {
    return "ok";
  }
  console.warn(missingToolsWarning(missing));
  return `missing: ${missing.map(({ command }) => command).join(", ")}`;
}

/**
 * Runs the Pulumi command and returns what it wrote on its standard output.
 *
 * @throws Error with its last lines when it fails.
 */
async function pulumi(
  args: readonly string[],
  timeoutSeconds: number,
): Promise<string> {
  const run = await execa("pulumi", [...args], {
    env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
    stdin: "ignore",
    timeout: timeoutSeconds * 1000,
    reject: false,
    all: true,
  });
  if (!run.failed) {
    return run.stdout;
  }
  const why = run.timedOut
    ? `did not end within ${timeoutSeconds} s`
    : `failed with exit code ${run.exitCode ?? run.signal}`;
  const said = (run.all ?? "").trim().split("\n").slice(-20).join("\n");
  throw new Error(`pulumi ${args.join(" ")} ${why}\n${said}`.trim());
}
