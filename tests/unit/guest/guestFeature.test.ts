import assert from "node:assert/strict";
import { InvalidArgumentsError } from "@corral-iac/corral/core/faults";
import { GuestFeature } from "@corral-iac/corral/guest/guestFeature";
import type { GuestFeatureArgs } from "@corral-iac/corral/guest/guestFeatureArgs";
import { COMMAND_PLUGIN_VERSION } from "@corral-iac/corral/guest/ops/remoteCommand";
import { pins } from "@corral-iac/tools/toolchain/pins";
import * as pulumi from "@pulumi/pulumi";
import {
  byName,
  isSecret,
  plain,
  recordResources,
  settled,
} from "../shared/mockedEngine";
import { readPage } from "../../support/markdown";
import { known, mockEngine, unknownOutput } from "../shared/outputs";

const PLANTED = "planted-secret";

describe("GuestFeature", () => {
  after(() => mockEngine());

  // As a machine gives it: an Output that is secret as a whole.
  const connection = () =>
    pulumi.output({
      host: "10.0.0.5",
      port: 22,
      user: "ops",
      privateKey: pulumi.secret("key"),
      hostKey: "ssh-ed25519 AAAA",
      instanceId: "machine-1",
    });

  async function make(
    args: Omit<GuestFeatureArgs, "connection">,
    { preview = false } = {},
  ) {
    const made = recordResources({ preview });
    const feature = new GuestFeature("web-proxy", {
      connection: connection(),
      ...args,
    });
    await settled(feature);
    const { inputs } = byName(made, "web-proxy-command");
    return { feature, made, inputs };
  }
  const text = (value: unknown) => plain(value) as string;

  it("is one command of Pulumi's own plugin", async () => {
    const { made, inputs } = await make({ script: "echo set-up" });
    const { type } = byName(made, "web-proxy-command");
    assert.equal(type, "command:remote:Command");
    assert.equal(inputs.create, "sh -s web-proxy create");
    assert.equal(inputs.update, "sh -s web-proxy update");
    assert.equal(inputs.delete, undefined);
    assert.equal(inputs.addPreviousOutputInEnv, false);
    assert.match(text(inputs.stdin), /^echo set-up$/m);
  });

  it("has the version of the plugin that the toolchain has", () => {
    assert.equal(COMMAND_PLUGIN_VERSION, pins.commandPlugin.version);
  });

  it("makes Pulumi fetch no plugin for programs without a feature", () => {
    const lock = JSON.parse(readPage("package-lock.json")) as {
      packages: Record<string, unknown>;
    };
    const packages = Object.keys(lock.packages);
    assert.ok(packages.some((name) => name.endsWith("/@pulumi/pulumi")));
    assert.ok(!packages.some((name) => name.endsWith("/@pulumi/command")));
  });

  it("pins the host key, and bounds the tries to connect", async () => {
    const { inputs } = await make({ script: "true" });
    assert.ok(isSecret(inputs.connection));
    const { privateKey, ...rest } = plain(inputs.connection) as Record<
      string,
      unknown
    >;
    assert.equal(plain(privateKey), "key");
    assert.deepEqual(rest, {
      host: "10.0.0.5",
      port: 22,
      user: "ops",
      hostKey: "ssh-ed25519 AAAA",
      dialErrorLimit: 10,
      perDialTimeout: 15,
    });
  });

  it("shows scripts in previews, but never environment", async () => {
    const open = await make({ script: "echo seen" });
    assert.equal(isSecret(open.inputs.stdin), false);
    const closed = await make({
      script: "echo seen",
      environment: { TOKEN: PLANTED },
    });
    assert.ok(isSecret(closed.inputs.stdin));
    assert.match(text(closed.inputs.stdin), new RegExp(PLANTED));
    const others = closed.made.map(({ inputs }) => ({
      ...inputs,
      stdin: undefined,
    }));
    const open_ = JSON.stringify(others, (_, value: unknown) =>
      isSecret(value) ? "[secret]" : value,
    );
    assert.ok(!open_.includes(PLANTED), open_);
  });

  it("makes its output a secret where there is an environment", async () => {
    const secrecy = async (args: Omit<GuestFeatureArgs, "connection">) =>
      pulumi.isSecret((await make(args)).feature.output);
    assert.equal(await secrecy({ script: "true" }), false);
    assert.equal(
      await secrecy({ script: "true", environment: { A: "b" } }),
      true,
    );
  });

  it("keeps a script secret that is one", async () => {
    const { inputs } = await make({ script: pulumi.secret("echo hush") });
    assert.ok(isSecret(inputs.stdin));
  });

  it("runs again on another machine", async () => {
    const { inputs } = await make({ script: "true" });
    assert.match(text(inputs.stdin), /^# machine machine-1$/m);
  });

  it("has a delete only where there is something to remove", async () => {
    const { inputs } = await make({ script: "true", remove: "rm -f /x" });
    assert.equal(inputs.delete, "sh -s web-proxy delete");
    assert.match(text(inputs.stdin), /^rm -f \/x$/m);
  });

  it("is called as it is named, docker without a name", async () => {
    const named = await make({ name: "proxy", script: "true" });
    assert.equal(named.inputs.create, "sh -s proxy create");
    const { inputs } = await make({ docker: { users: ["ops"] } });
    assert.equal(inputs.create, "sh -s docker create");
    assert.match(text(inputs.stdin), /^docker info >\/dev\/null$/m);
    assert.match(text(inputs.stdin), /for user in ops;/);
  });

  it("can be previewed while nothing is known yet", async () => {
    const { feature } = await make(
      { script: unknownOutput<string>(), environment: unknownOutput() },
      { preview: true },
    );
    assert.equal(await known(feature.output), undefined);
  });

  it("throws all faults at once and makes nothing", async () => {
    const made = recordResources();
    assert.throws(
      () =>
        new GuestFeature("web-proxy", {
          connection: connection(),
          script: "",
          docker: {},
          timeoutSeconds: -1,
        }),
      (error) => {
        assert.ok(error instanceof InvalidArgumentsError);
        assert.equal(error.subject, 'GuestFeature "web-proxy"');
        assert.equal(error.faults.length, 3);
        return true;
      },
    );
    await new Promise(setImmediate);
    assert.ok(!made.some(({ type }) => type.startsWith("command:")));
  });
});
