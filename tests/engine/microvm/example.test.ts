import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { diffCensus } from "@corral-iac/tools/lab/census";
import { ensureTinyGuest } from "@corral-iac/tools/lab/host/images";
import { LabHost } from "@corral-iac/tools/lab/host/labHost";
import { PulumiStack } from "@corral-iac/tools/stack/pulumiStack";
import { ensureToolchain } from "@corral-iac/tools/toolchain/index";

import { copyExample } from "../../support/example";
import { type HostCensus, hostCensus } from "../../support/labHost";
import { type MachineOutputs, runInGuest } from "../../support/microVms";

// The example as a user copies it, on a host of the lab.
describe("the example micro-vm", function () {
  this.timeout(180_000);
  let folder: string;
  let host: LabHost;
  let census: HostCensus;
  let stack: PulumiStack;

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-example-"));
    const program = copyExample("micro-vm", path.join(folder, "program"));
    host = await LabHost.start();
    const guest = await ensureTinyGuest();
    stack = new PulumiStack(
      {
        program,
        project: "edge",
        stack: "example",
        folder: path.join(folder, "stack"),
      },
      await ensureToolchain(["pulumi", "nodeHost"]),
    );
    await stack.ensure();
    stack.configure({
      config: {
        "corral:keepDataDisks": false,
        "edge:host": host.address,
        "edge:hostKey": host.connection.hostKey.trim(),
        "edge:accelerator": "tcg",
        "edge:kernel": guest.kernel,
        "edge:initrd": guest.initrd,
      },
    });
    await stack.must([
      ...["config", "set", "--secret", "--", "edge:privateKey"],
      host.connection.privateKey,
    ]);
    census = await hostCensus(host);
  });

  after(async () => {
    await stack.run(["destroy", "--yes", "--skip-preview"]);
    await stack.remove();
    await host.remove();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it("makes a network and two machines, of which one has its volume", async () => {
    await stack.must(["up", "--yes", "--skip-preview"]);
    const { addresses, connection } = await stack.outputs<{
      addresses: Record<string, string>;
      connection: MachineOutputs["connection"];
    }>();
    assert.deepEqual(Object.values(addresses).sort(), [
      "10.66.0.2",
      "10.66.0.3",
    ]);
    const { stdout } = await runInGuest({ connection }, "hostname; mount");
    assert.match(stdout, /^store\n/);
    assert.match(stdout, / on \/data type ext4/);
  });

  it("has nothing to change the second time, nor after a look at the host", async () => {
    await stack.must([
      ...["up", "--yes", "--skip-preview"],
      ...["--refresh", "--expect-no-changes"],
    ]);
  });

  it("leaves nothing behind", async () => {
    await stack.must(["destroy", "--yes", "--skip-preview"]);
    assert.deepEqual(diffCensus(census, await hostCensus(host)), []);
  });
});
