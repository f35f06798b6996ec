import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import Ajv from "ajv";
import * as fc from "fast-check";
import { cloudHypervisorArguments } from "@corral-iac/corral/core/microvm/cloudHypervisorArguments";
import { hostPaths } from "@corral-iac/corral/core/microvm/paths";
import { stopScript } from "@corral-iac/corral/core/microvm/stopScript";
import { shareSockets } from "@corral-iac/corral/core/microvm/unitFile";

import { plans, planWith } from "./plans";

const validate = new Ajv({ allErrors: true }).compile(
  JSON.parse(
    fs.readFileSync(
      path.join(__dirname, "../../../unit/microvm/cloudHypervisor.schema.json"),
      "utf8",
    ),
  ) as object,
);

/** Values behind options, by the option's name. */
function optionsOf(words: readonly string[]): Map<string, string[]> {
  const options = new Map<string, string[]>();
  let current: string[] = [];
  for (const word of words) {
    if (/^--[a-z-]+$/.test(word)) {
      options.set(word, (current = options.get(word) ?? []));
    } else {
      current.push(word);
    }
  }
  return options;
}

const fieldsOf = (value: string) =>
  Object.fromEntries(
    value.split(",").map((field) => {
      const [name = "", ...rest] = field.split("=");
      return [name, rest.join("=")];
    }),
  );

const isOn = (value: string | undefined) =>
  ({ on: true, off: false })[value ?? ""];
const named = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** What cloud-hypervisor makes of its command line: its VmConfig, as `GET /vm.info` shows it. */
function vmConfigOf(words: readonly string[]): object {
  const options = optionsOf(words);
  const one = (name: string) => options.get(name)?.[0] ?? "";
  const each = (name: string) => (options.get(name) ?? []).map(fieldsOf);
  const cpus = fieldsOf(one("--cpus"));
  const { size = "", shared, ...memory } = fieldsOf(one("--memory"));
  const [vsock] = each("--vsock");
  return {
    payload: {
      kernel: one("--kernel"),
      ...(options.has("--initramfs") && { initramfs: one("--initramfs") }),
      cmdline: one("--cmdline"),
    },
    cpus: { boot_vcpus: Number(cpus.boot), max_vcpus: Number(cpus.boot) },
    memory: {
      ...memory,
      size: Number(size.replace(/M$/, "")) * 1024 ** 2,
      ...(shared !== undefined && { shared: isOn(shared) }),
    },
    disks: each("--disk").map(({ readonly, image_type, ...disk }) => ({
      ...disk,
      readonly: isOn(readonly),
      ...(image_type !== undefined && { image_type: named(image_type) }),
    })),
    net: each("--net").map(({ num_queues, ...net }) => ({
      ...net,
      num_queues: Number(num_queues),
    })),
    fs: each("--fs"),
    ...(vsock && { vsock: { ...vsock, cid: Number(vsock.cid) } }),
    rng: each("--rng")[0],
    console: { mode: named(one("--console")) },
    serial: { mode: named(one("--serial")) },
  };
}

describe("the command line of cloud-hypervisor", () => {
  it("says what its published API allows, for any machine", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        fc.pre([...plan.disks].every(({ path: file }) => !file.includes(",")));
        const config = vmConfigOf(
          cloudHypervisorArguments(
            plan,
            "/run/corral-microvm/0",
            shareSockets(plan, hostPaths),
          ).slice(1),
        );
        assert.ok(validate(config), JSON.stringify(validate.errors));
      }),
    );
  });

  it("would be refused with a field that the API has not", () => {
    const words = ["--cpus", "boot=1", "--memory", "size=1M,ksm=on"];
    assert.ok(!validate(vmConfigOf(words)));
  });

  it("goes with a stop by the API's power button", () => {
    const script = stopScript(
      planWith({
        hypervisor: { kind: "cloudHypervisor", version: "51.0", path: "/ch" },
      }),
      hostPaths,
    );
    assert.match(
      script,
      /^curl .* --unix-socket '\/run\/corral-microvm\/[0-9a-f]{8}\/api.sock' -X PUT http:\/\/localhost\/api\/v1\/vm.power-button$/m,
    );
  });
});
