import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { FileInjection } from "@corral-iac/corral/guest/fileInjection";
import {
  FileInjectionOnDelete,
  type InjectedFile,
} from "@corral-iac/corral/guest/fileInjectionArgs";

import {
  byName,
  isSecret,
  plain,
  recordResources,
  settled,
  STAMP_ID,
} from "../shared/mockedEngine";
import { mockEngine, unknownOutput } from "../shared/outputs";

interface Entry {
  readonly owner?: string;
  readonly mode: string;
}

describe("FileInjection", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-source-"));
  fs.writeFileSync(path.join(folder, "run"), "", { mode: 0o755 });
  fs.writeFileSync(path.join(folder, "conf"), "", { mode: 0o664 });
  after(() => {
    mockEngine();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const connection = {
    ...{ host: "10.0.0.5", port: 22, user: "corral", hostKey: "ssh-ed25519 A" },
    privateKey: "the-private-key",
  };

  async function make(preview: boolean, ...files: InjectedFile[]) {
    const made = recordResources({ preview });
    const onDelete = FileInjectionOnDelete.Remove;
    await settled(new FileInjection("conf", { connection, files, onDelete }));
    const { inputs } = byName(made, "conf-files");
    return {
      made,
      inputs,
      // The mocks make a secret of all that holds one; the engine does not.
      entries: plain(inputs.files) as Record<string, Entry>,
    };
  }

  it("makes a stamp and all files as one resource", async () => {
    const { made, inputs, entries } = await make(
      false,
      { content: "hello", destination: "/etc/motd", owner: "www", mode: "640" },
      { source: folder, destination: "/opt/app" },
    );
    assert.deepEqual(
      made.map(({ type, name }) => `${type.split(":")[2]} ${name}`),
      ["FileInjection conf", "Stamp conf-stamp", "GuestFiles conf-files"],
    );
    assert.equal(inputs.ownerId, STAMP_ID);
    assert.equal(inputs.onDelete, "remove");
    assert.deepEqual(
      Object.entries(entries).map(([to, { mode, owner }]) => [to, mode, owner]),
      [
        ["/etc/motd", "0640", "www"],
        ["/opt/app/conf", "0644", undefined],
        ["/opt/app/run", "0755", undefined],
      ],
    );
  });

  it("gives files permissions by what they are, and none to others for secrets", async () => {
    const run = path.join(folder, "run");
    const { entries } = await make(
      false,
      { content: "x", destination: "/a" },
      { content: pulumi.secret("x"), destination: "/b" },
      { source: run, destination: "/c", secret: true },
      { source: run, destination: "/d" },
      { content: "x", destination: "/e", secret: true },
      { content: pulumi.secret("x"), destination: "/f", secret: false },
      { source: run, destination: "/g", mode: "0640" },
    );
    assert.deepEqual(
      Object.values(entries).map(({ mode }) => mode),
      ["0644", "0600", "0700", "0755", "0600", "0644", "0640"],
    );
  });

  it("hides every given text, and files only where they are secrets", async () => {
    const conf = path.join(folder, "conf");
    const isHidden = async (file: Partial<InjectedFile>) => {
      const { made, inputs } = await make(false, {
        destination: "/a",
        ...file,
      });
      const component = JSON.stringify(byName(made, "conf").inputs);
      assert.ok(!component.includes("some-text"), component);
      assert.ok(!component.includes(folder), component);
      return isSecret(inputs.files);
    };
    assert.equal(await isHidden({ content: "some-text" }), true);
    assert.equal(await isHidden({ content: pulumi.secret("some-text") }), true);
    assert.equal(await isHidden({ source: conf, secret: true }), true);
    assert.equal(await isHidden({ source: conf }), false);
  });

  it("makes the private key a secret", async () => {
    const { made, inputs } = await make(false, {
      content: "x",
      destination: "/a",
    });
    for (const given of [inputs, byName(made, "conf").inputs]) {
      assert.ok(isSecret(given.connection));
      assert.deepEqual(plain(given.connection), connection);
    }
  });

  it("can be previewed before anything is known", async () => {
    const { made } = await make(true, {
      content: unknownOutput<string>(),
      owner: unknownOutput<string>(),
      mode: unknownOutput<string>(),
      destination: "/a",
    });
    assert.equal(made.length, 3);
  });

  it("refuses wrong arguments before anything is made", () => {
    const made = recordResources();
    const files = [{ content: "x", destination: "relative" }];
    assert.throws(
      () => new FileInjection("conf", { connection, files }),
      /FileInjection "conf": 1 fault in its arguments\n {2}files\[0\].destination is "relative", must be an absolute path/,
    );
    assert.throws(
      () => new FileInjection("Conf!", { connection, files }),
      /2 faults/,
    );
    assert.ok(made.every(({ type }) => !type.includes("GuestFiles")));
  });
});
