import * as assert from "node:assert/strict";
import { InvalidArgumentsError } from "@corral-iac/corral/core/faults";
import type { ProxmoxVmArgs } from "@corral-iac/corral/proxmox/args";
import { proxmoxProvider } from "@corral-iac/corral/proxmox/hypervisor";
import { ProxmoxVm } from "@corral-iac/corral/proxmox/proxmoxVm";
import * as pulumi from "@pulumi/pulumi";
import { recordResources, settled } from "../shared/mockedEngine";
import { known, mockEngine } from "../shared/outputs";
import { firstRejection, nextTurn } from "../shared/rejections";
import { TOKEN } from "./vmArgs";

const MINIMAL: ProxmoxVmArgs = {
  endpoint: "https://pve.example.org:8006",
  apiToken: TOKEN,
  node: "pve",
  template: { vmId: 9000 },
};

describe("ProxmoxVm with wrong arguments", () => {
  after(() => mockEngine());

  it("throws all faults at once, its name among them, and makes no child", async () => {
    const made = recordResources();
    assert.throws(
      () =>
        new ProxmoxVm("Web_1", {
          ...MINIMAL,
          cores: 0,
          nfsMounts: [{ server: "nas", hostPath: "/a", guestPath: "/etc" }],
        }),
      (error) => {
        assert.ok(error instanceof InvalidArgumentsError);
        assert.deepEqual(
          [...new Set(error.faults.map(({ path }) => path))].sort(),
          ["cores", "name", "nfsMounts[0].guestPath"],
        );
        return true;
      },
    );
    await nextTurn();
    assert.deepEqual(
      made.filter(({ name }) => name !== "Web_1"),
      [],
    );
  });

  it("fails where a value that is known later is wrong, and shows no secret", async () => {
    recordResources();
    const failure = await firstRejection(() => {
      new ProxmoxVm("web", {
        ...MINIMAL,
        memoryMib: pulumi.output(Promise.resolve(1)),
        apiToken: pulumi.secret("planted"),
      });
    });
    assert.ok(failure instanceof InvalidArgumentsError, String(failure));
    assert.match(failure.message, /memoryMib is 1, must be a whole number/);
    assert.match(failure.message, /apiToken is no API token/);
    assert.doesNotMatch(failure.message, /planted/);
  });

  it("refuses an endpoint that is not that of the provider it is handed", async () => {
    recordResources();
    const failure = await firstRejection(() => {
      const provider = proxmoxProvider("pve", {
        endpoint: "https://other.example.org:8006",
        apiToken: TOKEN,
      });
      new ProxmoxVm("web", MINIMAL, { provider });
    });
    assert.match(
      String(failure),
      /endpoint is "https:\/\/pve\.example\.org:8006", must be left out or be that of the provider that is handed in: "https:\/\/other/,
    );
  });

  it("takes an endpoint that says the same as the provider", async () => {
    const made = recordResources();
    const provider = proxmoxProvider("pve", {
      endpoint: "https://pve.example.org:8006/",
      apiToken: TOKEN,
    });
    const vm = new ProxmoxVm("web", MINIMAL, { provider });
    await settled(vm);
    assert.equal(await known(vm.name), "shop-prod-web");
    assert.ok(made.some(({ name }) => name === "web-vm"));
  });
});
