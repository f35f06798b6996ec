import assert from "node:assert/strict";

import { InvalidArgumentsError } from "@corral-iac/corral/core/faults";
import type {
  GuestBastion,
  GuestConnection,
} from "@corral-iac/corral/guest/args";
import { NfsMount } from "@corral-iac/corral/guest/nfsMount";
import { openConnection } from "@corral-iac/corral/guest/openConnection";
import type { NfsMountArgs } from "@corral-iac/corral/guest/nfsMountArgs";
import { plugin } from "@corral-iac/corral-ops/plugin";
import { checkInputs } from "@corral-iac/corral-ops/frame/check";
import { generateEd25519 } from "@corral-iac/corral-ops/ssh/keyPair";
import * as pulumi from "@pulumi/pulumi";

import {
  byName,
  isSecret,
  plain,
  recordResources,
  settled,
} from "../shared/mockedEngine";
import { known, mockEngine, unknownOutput } from "../shared/outputs";

const key = generateEd25519();
const connection: GuestConnection = {
  host: "10.0.0.5",
  port: 22,
  user: "ops",
  privateKey: key.privateKey,
  hostKey: key.publicKey,
};
const args: NfsMountArgs = {
  connection,
  server: "fd00::1",
  hostPath: "/srv/data",
  guestPath: "/data",
};

describe("NfsMount", () => {
  after(() => mockEngine());

  it("makes one mount, named after it, with what was asked for", async () => {
    const made = recordResources();
    const mount = new NfsMount("web-data", {
      ...args,
      options: ["ro"],
      timeoutSeconds: 20,
    });
    await settled(mount);
    assert.deepEqual(
      made.map(({ type, name }) => `${type} ${name}`),
      [
        "corral:index:NfsMount web-data",
        "corral-ops:index:GuestMount web-data-mount",
      ],
    );
    const { inputs } = byName(made, "web-data-mount");
    assert.equal(inputs.server, "fd00::1");
    assert.equal(inputs.hostPath, "/srv/data");
    assert.equal(inputs.guestPath, "/data");
    assert.deepEqual(inputs.options, ["ro"]);
    assert.equal(inputs.timeoutSeconds, 20);
    assert.equal(await known(mount.guestPath), "/data");
  });

  it("keeps the private key a secret, whatever the program gave", async () => {
    for (const given of [connection, pulumi.output(connection)]) {
      const made = recordResources();
      await settled(new NfsMount("web-data", { ...args, connection: given }));
      for (const name of ["web-data", "web-data-mount"]) {
        const { inputs } = byName(made, name);
        // The mocked engine takes what has a secret in it for a secret as a whole.
        assert.ok(isSecret(inputs.connection), name);
        assert.deepEqual(plain(inputs.connection), connection);
      }
    }
  });

  it("throws all faults at once, before anything is made", () => {
    const made = recordResources();
    assert.throws(
      () =>
        new NfsMount("web-data", {
          connection: {
            ...connection,
            host: "",
            port: 0,
            privateKey: "planted-text",
            hostKey: "no key",
          },
          server: "10.0.0",
          hostPath: "srv",
          guestPath: "/etc",
          options: ["ro,soft"],
          timeoutSeconds: 0,
        }),
      (error) => {
        assert.ok(error instanceof InvalidArgumentsError);
        assert.deepEqual(error.faults.map(({ path }) => path).sort(), [
          "connection.host",
          "connection.hostKey",
          "connection.port",
          "connection.privateKey",
          "guestPath",
          "hostPath",
          "options[0]",
          "server",
          "timeoutSeconds",
        ]);
        assert.ok(!error.message.includes("planted-text"), error.message);
        return true;
      },
    );
    assert.ok(!made.some(({ name }) => name === "web-data-mount"));
  });

  it("crashes no preview of a machine that is not there yet", async () => {
    const made = recordResources({ preview: true });
    await settled(
      new NfsMount("web-data", {
        ...args,
        connection: unknownOutput<GuestConnection>(),
      }),
    );
    assert.ok(made.some(({ name }) => name === "web-data-mount"));
  });
});

describe("a connection, field by field", () => {
  before(() => mockEngine());

  const secrets = async (given: pulumi.Input<GuestConnection>) => {
    const open = openConnection(given);
    const names = Object.keys(open) as (keyof GuestConnection)[];
    const are = await Promise.all(
      names.map((name) => pulumi.isSecret(pulumi.output(open[name]))),
    );
    return names.filter((_name, index) => are[index]);
  };

  it("has one secret, the private key, whatever the program gave", async () => {
    for (const given of [
      connection,
      pulumi.output(connection),
      pulumi.secret(connection),
      Promise.resolve(connection),
    ]) {
      assert.deepEqual(await secrets(given), ["privateKey"]);
      assert.deepEqual(await known(openConnection(given)), {
        ...connection,
        ...(given === connection
          ? {}
          : { bastion: undefined, instanceId: undefined }),
      });
    }
  });

  it("keeps the keys of the way to it secret, and leaves the rest of a bastion to be read", async () => {
    const bastion = { ...connection, host: "gate" };
    const through = { ...connection, bastion };
    const [plainly, asOutput] = [through, pulumi.output(through)].map(
      (given) => openConnection(given).bastion as pulumi.Output<GuestBastion>,
    );
    assert.ok(plainly && asOutput);
    assert.deepEqual(await known(asOutput), bastion);
    const { host, privateKey } = plainly as unknown as GuestBastion;
    assert.equal(host, "gate");
    assert.ok(await pulumi.isSecret(pulumi.output(privateKey)));
  });

  it("keeps what the program says is a secret", async () => {
    const host = pulumi.secret("10.0.0.5");
    assert.deepEqual(await secrets({ ...connection, host }), [
      "host",
      "privateKey",
    ]);
  });

  it("is there once its arguments are checked", async () => {
    const wrong = pulumi.output(
      Promise.resolve().then(() => {
        throw new Error("wrong");
      }),
    );
    const { privateKey } = openConnection(connection, wrong);
    await assert.rejects(known(privateKey), /wrong/);
  });
});

describe("the check of a GuestMount", () => {
  const resource = plugin.resources.find(
    ({ token }) => token === "corral-ops:index:GuestMount",
  );
  const faults = (changes: object) => {
    assert.ok(resource);
    return checkInputs(resource, { ...args, ...changes } as never).faults;
  };

  it("accepts what is right, with its defaults", () => {
    assert.deepEqual(faults({}), []);
  });

  it("names everything that is wrong", () => {
    assert.deepEqual(
      faults({
        connection: { ...connection, hostKey: "none", port: 70_000 },
        server: "a b",
        guestPath: "/usr",
        options: ["nofail"],
      }).map(({ path }) => path),
      [
        "connection.port",
        "server",
        "guestPath",
        "options[0]",
        "connection.hostKey",
      ],
    );
  });

  it("looks at each host on the way", () => {
    const outer = { ...connection, hostKey: "none" };
    const bastion = { ...connection, port: 0, bastion: outer };
    assert.deepEqual(
      faults({ connection: { ...connection, bastion } }).map(
        ({ path }) => path,
      ),
      ["connection.bastion.port", "connection.bastion.bastion.hostKey"],
    );
  });

  it("says what to do for a machine that was not waited for", () => {
    const [fault] = faults({ connection: { ...connection, host: "" } });
    assert.equal(fault?.path, "connection.host");
    assert.match(fault?.reason ?? "", /machine that was not waited for/);
  });
});
