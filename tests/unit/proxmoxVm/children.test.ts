import * as assert from "node:assert/strict";
import type * as pulumi from "@pulumi/pulumi";
import { macAddress } from "@corral-iac/corral/core/names";
import { parseStampText } from "@corral-iac/corral/core/stampText";
import {
  OnCloudInitChange,
  ReadyThrough,
  ReadyUntil,
} from "@corral-iac/corral/guest/args";
import type { ProxmoxVmArgs } from "@corral-iac/corral/proxmox/args";
import { proxmoxProvider } from "@corral-iac/corral/proxmox/hypervisor";
import { ProxmoxVm } from "@corral-iac/corral/proxmox/proxmoxVm";
import {
  byName,
  isSecret,
  type MadeResource,
  plain,
  PROJECT,
  recordResources,
  settled,
  STACK,
  STAMP_ID,
} from "../shared/mockedEngine";
import { mockEngine } from "../shared/outputs";
import { KEY, TOKEN } from "./vmArgs";

const ACCESS = {
  endpoint: "https://pve.example.org:8006",
  apiToken: TOKEN,
  insecure: true,
};
const MINIMAL: ProxmoxVmArgs = {
  ...ACCESS,
  node: "pve",
  template: { vmId: 9000 },
};

async function make(
  args: ProxmoxVmArgs,
  options: () => pulumi.ComponentResourceOptions = () => ({}),
): Promise<MadeResource[]> {
  const made = recordResources();
  await settled(new ProxmoxVm("web", args, options()));
  return made;
}

const shortTypes = (made: readonly MadeResource[]) =>
  made.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`).sort();

type Inputs = Record<string, Record<string, unknown>>;
const machine = (made: readonly MadeResource[]) =>
  byName(made, "web-vm").inputs as Inputs;

describe("ProxmoxVm", () => {
  after(() => mockEngine());

  it("makes its children, all named after it", async () => {
    assert.deepEqual(shortTypes(await make(MINIMAL)), [
      "AppliedRevision web-made-from",
      "GuestReady web-ready",
      "ProxmoxShutdown web-shutdown",
      "ProxmoxTemplate web-template",
      "ProxmoxVm web",
      "ProxmoxVmId web-vm-id",
      "SshKeyPair web-login-key",
      "Stamp web-stamp",
      "VirtualEnvironmentVm web-vm",
      "proxmox web-hypervisor",
    ]);
  });

  it("says whose the machine is with the very first call, the clone", async () => {
    const { description, tags, name } = machine(
      await make({ ...MINIMAL, description: "Mine", tags: ["zoo"] }),
    );
    assert.deepEqual(parseStampText(String(description)), {
      id: STAMP_ID,
      project: PROJECT,
      stack: STACK,
      component: "ProxmoxVm",
      name: "web",
    });
    assert.match(String(description), /^Mine\n/);
    assert.deepEqual(tags, ["corral", "corral-01234567", "zoo"]);
    assert.equal(name, "shop-prod-web");
  });

  it("gives each interface a MAC address of its own that never changes", async () => {
    const { networkDevices } = machine(
      await make({
        ...MINIMAL,
        networks: [{}, { macAddress: "52:54:00:ab:cd:ef" }, {}],
      }),
    );
    const identity = { project: PROJECT, stack: STACK, name: "web" };
    assert.deepEqual(
      (networkDevices as unknown as { macAddress: string }[]).map((device) =>
        device.macAddress.toLowerCase(),
      ),
      [macAddress(identity, 0), "52:54:00:ab:cd:ef", macAddress(identity, 2)],
    );
  });

  it("looks for the template once, by its id or its name", async () => {
    const clone = async (template: ProxmoxVmArgs["template"]) => {
      const made = await make({ ...MINIMAL, template });
      const { name, templateId, node } = byName(made, "web-template").inputs;
      return { sought: [name, templateId, node], clone: machine(made).clone };
    };
    const byId = await clone({ vmId: 9000 });
    assert.deepEqual(byId.sought, [undefined, 9000, undefined]);
    const byItsName = await clone({ name: "debian12", node: "pve" });
    assert.deepEqual(byItsName.sought, ["debian12", undefined, "pve"]);
    for (const { clone } of [byId, byItsName]) {
      assert.deepEqual(
        [clone?.vmId, clone?.nodeName, clone?.retries],
        [9000, "pve", 1],
      );
    }
  });

  it("waits for cloud-init through the agent by default, for nothing when it is off, and as asked", async () => {
    const wait = async (args: Partial<ProxmoxVmArgs>) => {
      const { inputs } = byName(
        await make({ ...MINIMAL, ...args }),
        "web-ready",
      );
      return [inputs.until, inputs.through, inputs.timeoutSeconds];
    };
    assert.deepEqual(await wait({}), ["cloudInit", "agent", 300]);
    assert.deepEqual(await wait({ cloudInitDrive: false }), [
      "agent",
      "agent",
      300,
    ]);
    assert.deepEqual(await wait({ running: false }), ["none", "agent", 300]);
    const asked = await wait({
      networks: [{ ipv4: { address: "10.0.0.5/24" } }],
      ssh: { hostKey: "ssh-ed25519 AAAA" },
      ready: {
        until: ReadyUntil.Ssh,
        through: ReadyThrough.Ssh,
        timeoutSeconds: 60,
      },
    });
    assert.deepEqual(asked, ["ssh", "ssh", 60]);
  });

  it("tells the wait the address where the guest cannot", async () => {
    const address = async (args: Partial<ProxmoxVmArgs>) =>
      byName(await make({ ...MINIMAL, ...args }), "web-ready").inputs.address;
    const networks = [{ ipv4: { address: "10.0.0.5/24" } }];
    const ready = { through: ReadyThrough.Ssh };
    const ssh = { hostKey: "ssh-ed25519 AAAA" };
    assert.equal(await address({ networks, ready, ssh }), "10.0.0.5");
    assert.equal(await address({ networks }), undefined);
  });

  it("keeps the VM id that is chosen, and asks for none where one is given", async () => {
    assert.equal(machine(await make(MINIMAL)).vmId, 12345);
    const made = await make({ ...MINIMAL, vmId: 8101 });
    assert.equal(machine(made).vmId, 8101);
    assert.ok(!made.some(({ type }) => type.endsWith(":ProxmoxVmId")));
  });

  it("makes no provider of its own where it is handed one", async () => {
    const made = await make({ node: "pve", template: { vmId: 9000 } }, () => ({
      provider: proxmoxProvider("shared", { ...ACCESS, node: "pve" }),
    }));
    assert.deepEqual(
      made
        .filter(({ type }) => type.startsWith("pulumi:providers:proxmox"))
        .map(({ name }) => name),
      ["shared"],
    );
    const { inputs } = byName(made, "web-vm-id");
    assert.equal(inputs.endpoint, ACCESS.endpoint);
    assert.equal(plain(inputs.apiToken), TOKEN);
  });

  it("says where endpoint and token may stand when there are none", () => {
    recordResources();
    const { endpoint, ...withoutEndpoint } = MINIMAL;
    assert.throws(
      () => new ProxmoxVm("web", withoutEndpoint),
      /endpoint is missing; must be given as an argument, as proxmox:endpoint in the stack's configuration, or as PROXMOX_VE_ENDPOINT/,
    );
    assert.ok(endpoint);
  });

  describe("by the provider's own cloud-init fields", () => {
    it("has Corral's user and key where nothing is said", async () => {
      const made = await make(MINIMAL);
      const { initialization } = machine(made);
      assert.deepEqual(initialization, {
        datastoreId: "local-lvm",
        ipConfigs: [{ ipv4: { address: "dhcp" } }],
        userAccount: {
          username: "corral",
          keys: [byName(made, "web-login-key").inputs.publicKey ?? keyOf(made)],
        },
      });
    });

    it("has the user's account, keys, addresses and servers", async () => {
      const initialization = plain(
        machine(
          await make({
            ...MINIMAL,
            rootDisk: { sizeGib: 8, storage: "fast" },
            account: {
              name: "ops",
              sshAuthorizedKeys: ["ssh-ed25519 BBBB me"],
              password: "planted",
            },
            dns: { servers: ["10.0.0.1"], domain: "example.org" },
            networks: [
              { ipv4: { address: "10.0.0.5/24", gateway: "10.0.0.1" } },
              {},
            ],
          }),
        ).initialization,
      ) as Record<string, unknown>;
      assert.equal(initialization.datastoreId, "fast");
      assert.deepEqual(initialization.dns, {
        servers: ["10.0.0.1"],
        domain: "example.org",
      });
      assert.deepEqual(initialization.ipConfigs, [
        { ipv4: { address: "10.0.0.5/24", gateway: "10.0.0.1" } },
        { ipv4: { address: "dhcp" } },
      ]);
      const { username, keys, password } = initialization.userAccount as Record<
        string,
        unknown
      >;
      assert.equal(username, "ops");
      assert.equal((keys as string[])[0], "ssh-ed25519 BBBB me");
      assert.equal(plain(password), "planted");
    });

    it("keeps the account's password a secret on its way", async () => {
      const { initialization } = machine(
        await make({ ...MINIMAL, account: { password: "planted" } }),
      );
      assert.ok(isSecret(initialization));
    });

    it("hands no host key in: the guest makes and tells its own", async () => {
      assert.ok(
        !(await make(MINIMAL)).some(({ name }) => name === "web-host-key"),
      );
    });
  });

  describe("by a snippet", () => {
    const args: ProxmoxVmArgs = {
      ...MINIMAL,
      nodeSsh: { privateKey: KEY, address: "10.0.0.2" },
      cloudInit: { users: [{ name: "ops" }], packages: ["curl"] },
    };

    it("stores user-data under a fixed name, readable for root alone", async () => {
      const made = await make(args);
      const { inputs } = byName(made, "web-user-data");
      assert.equal(inputs.datastoreId, "local");
      assert.equal(inputs.nodeName, "pve");
      assert.equal(inputs.contentType, "snippets");
      assert.equal(inputs.fileMode, "0600");
      const source = plain(inputs.sourceRaw) as Record<string, unknown>;
      assert.equal(source.fileName, "shop-prod-web-user-data-01234567.yaml");
      assert.match(String(plain(source.data)), /^#cloud-config\n[^]*curl/);
      const { initialization } = machine(made);
      assert.equal(
        initialization?.userDataFileId,
        "local:snippets/shop-prod-web-user-data-01234567.yaml",
      );
      assert.equal(initialization.userAccount, undefined);
    });

    it("hands in a host key made beforehand", async () => {
      const made = await make(args);
      assert.ok(byName(made, "web-host-key"));
      const { sourceRaw } = byName(made, "web-user-data").inputs;
      assert.match(JSON.stringify(sourceRaw), /private key of web-host-key/);
    });

    it("keeps the guest's private key a secret on its way", async () => {
      const { sourceRaw } = byName(await make(args), "web-user-data").inputs;
      const { data } = plain(sourceRaw) as Record<string, unknown>;
      assert.ok(isSecret(sourceRaw) || isSecret(data));
    });

    it("tells the provider how the node is reached", async () => {
      const made = await make(args);
      const { ssh } = byName(made, "web-hypervisor").inputs;
      assert.ok(isSecret(ssh));
      assert.deepEqual(JSON.parse(String(plain(ssh))), {
        username: "root",
        privateKey: KEY,
        agent: false,
        nodes: [{ name: "pve", address: "10.0.0.2", port: 22 }],
      });
    });
  });

  it("notes a changed cloud-init, and follows it when asked to", async () => {
    const revision = async (args: Partial<ProxmoxVmArgs>) => {
      const made = await make({ ...MINIMAL, ...args });
      return byName(made, "web-made-from").inputs;
    };
    const before = await revision({});
    const account = { name: "ops" };
    const after = await revision({ account });
    assert.notEqual(before.revision, after.revision);
    assert.equal(before.follow, false);
    const { follow, revision: same } = await revision({
      account,
      cores: 4,
      onCloudInitChange: OnCloudInitChange.Replace,
    });
    assert.deepEqual([follow, same], [true, after.revision]);
  });

  it("has no cloud-init drive where none is wanted", async () => {
    const made = await make({ ...MINIMAL, cloudInitDrive: false });
    assert.equal(machine(made).initialization, undefined);
    // Else a drive that goes would look like a cloud-init to make the machine anew for.
    const { revision, follow } = byName(made, "web-made-from").inputs;
    assert.deepEqual([revision, follow], ["no drive", false]);
  });

  it("keeps data disks in holders of their own, which never run", async () => {
    const made = await make({
      ...MINIMAL,
      rootDisk: { sizeGib: 8 },
      dataDisks: [
        { name: "data", sizeGib: 100, storage: "slow" },
        { name: "scratch", sizeGib: 5, keep: false, holderVmId: 8201 },
        { name: "old", sizeGib: 10, adopt: "slow:vm-10023-disk-0" },
      ],
    });
    const holder = byName(made, "web-disk-data").inputs as Inputs;
    assert.equal(holder.started, false);
    assert.equal(holder.vmId, 12346);
    assert.equal(holder.name, "shop-prod-web-data");
    assert.deepEqual(holder.tags, [
      "corral",
      "corral-01234567",
      "corral-disk",
      "corral-kept",
    ]);
    assert.ok(parseStampText(String(holder.description)));
    const other = byName(made, "web-disk-scratch").inputs as Inputs;
    assert.equal(other.vmId, 8201);
    assert.deepEqual(other.tags, ["corral", "corral-01234567", "corral-disk"]);
    const disks = machine(made).disks as unknown as Record<string, unknown>[];
    assert.deepEqual(
      disks.map((disk) => [disk.interface, disk.datastoreId, disk.serial]),
      [
        ["scsi0", "local-lvm", undefined],
        ["scsi1", "slow", "data"],
        ["scsi2", "local-lvm", "scratch"],
        ["scsi3", "slow", "old"],
      ],
    );
    assert.equal(disks[3]?.pathInDatastore, "vm-10023-disk-0");
  });

  it("takes its steps one after the other, each under a name of its own", async () => {
    const share = { server: "nas", hostPath: "/srv" };
    const made = await make({
      ...MINIMAL,
      ssh: { privateKey: KEY },
      nfsMounts: [
        { ...share, guestPath: "/srv/data" },
        { ...share, guestPath: "/srv-data" },
      ],
      files: [{ destination: "/etc/token", content: "planted" }],
      features: [{ docker: {} }, { name: "motd", script: "true" }],
      finalForm: { name: "done", revision: "2" },
    });
    const steps = made
      .map(({ type, name }) => `${type.split(":").at(-1)} ${name}`)
      .filter((line) =>
        /^(GuestReady|NfsMount|FileInjection|GuestFeature|ProxmoxSnapshot) /.test(
          line,
        ),
      );
    assert.deepEqual(steps, [
      "GuestReady web-ready",
      "NfsMount web-mount-srv-data",
      "NfsMount web-mount-srv-data-2",
      "FileInjection web-files",
      "GuestFeature web-feature-docker",
      "GuestFeature web-feature-motd",
      "ProxmoxSnapshot web-final-form",
    ]);
    const snapshot = byName(made, "web-final-form").inputs as Inputs;
    assert.deepEqual([snapshot.name, snapshot.revision], ["done", "2"]);
    const kept = JSON.stringify(byName(made, "web").inputs);
    assert.doesNotMatch(kept, /planted/, "no content of files in the state");
  });

  it("is made in a preview where nothing is known yet", async () => {
    const made = recordResources({ preview: true });
    await settled(
      new ProxmoxVm("web", {
        ...MINIMAL,
        rootDisk: { sizeGib: 8 },
        dataDisks: [{ name: "data", sizeGib: 100 }],
      }),
    );
    assert.ok(byName(made, "web-vm"));
    assert.ok(byName(made, "web-disk-data"));
  });
});

/** What the mocked engine answers for the login key. */
function keyOf(made: readonly MadeResource[]): string {
  const { name } = byName(made, "web-login-key");
  return `ssh-ed25519 AAAA${Buffer.from(name).toString("base64")}`;
}
