import assert from "node:assert/strict";
import { unwrapped } from "@corral-iac/cli/engine/state";
import { isListed } from "@corral-iac/cli/inventory/listers";
import type {
  InventoryContext,
  StateResource,
} from "@corral-iac/corral/core/inventory/lister";
import { accessTo } from "@corral-iac/corral/proxmox/inventory/access";
import { adoptedAs } from "@corral-iac/corral/proxmox/inventory/adoption";
import { proxmoxLister } from "@corral-iac/corral/proxmox/inventory/lister";
import { statusIn } from "@corral-iac/corral/proxmox/inventory/status";
import { surveyProxmox } from "@corral-iac/corral/proxmox/inventory/survey";

const PLACE = "https://pve:8006";
const PROVIDER = "urn:pulumi:dev::corral::pulumi:providers:proxmox::lab";
const MACHINE = "proxmox:index/virtualEnvironmentVm:VirtualEnvironmentVm";
const FILE = "proxmox:index/virtualEnvironmentFile:VirtualEnvironmentFile";
const token = (name: string) => `corral@pve!${name}=1-2-3`;

const provider = (inputs: Record<string, unknown>): StateResource => ({
  urn: PROVIDER,
  type: "pulumi:providers:proxmox",
  id: "1",
  inputs,
});
const resource = (
  type: string,
  id: string,
  inputs: Record<string, unknown> = {},
): StateResource => ({
  urn: `urn:pulumi:dev::corral::${type}::${id}`,
  type,
  id,
  provider: `${PROVIDER}::1`,
  inputs,
});

describe("Proxmox inventory: what the state speaks of", () => {
  it("is machines and snippets, at their provider's endpoint", () => {
    const { places, references } = surveyProxmox(
      [
        provider({ endpoint: `${PLACE}/api2/json/` }),
        resource(MACHINE, "8101"),
        resource(FILE, "local:snippets/a.yaml", { contentType: "snippets" }),
        resource(FILE, "local:iso/a.iso", { contentType: "iso" }),
        resource("corral-ops:index:ProxmoxSnapshot", "8101/a/1"),
      ],
      undefined,
    );
    assert.deepEqual(places, [PLACE]);
    assert.deepEqual(
      references.map(({ handle, place }) => [handle, place]),
      [
        ["vm:8101", PLACE],
        ["snippet:local:snippets/a.yaml", PLACE],
      ],
    );
  });

  it("is at the environment's endpoint where the provider took that", () => {
    const resources = [provider({}), resource(MACHINE, "8101")];
    assert.deepEqual(surveyProxmox(resources, PLACE).places, [PLACE]);
    assert.deepEqual(surveyProxmox(resources, undefined), {
      places: [],
      references: [],
    });
  });

  it("is all known to an inventory, so that its pending operations settle", () => {
    for (const type of [MACHINE, FILE, "corral:index:ProxmoxVm"]) {
      assert.ok(isListed({ type }), type);
    }
  });
});

describe("Proxmox inventory: its token", () => {
  const context = (
    given: {
      environment?: Record<string, string>;
      plain?: readonly StateResource[];
      config?: Record<string, string>;
    } = {},
  ): InventoryContext => ({
    environment: given.environment ?? {},
    plainResources: () => Promise.resolve(given.plain ?? []),
    configValue: (key) => Promise.resolve(given.config?.[key]),
    say: () => undefined,
  });
  const environment = {
    PROXMOX_VE_ENDPOINT: `${PLACE}/`,
    PROXMOX_VE_API_TOKEN: token("env"),
    PROXMOX_VE_INSECURE: "1",
  };
  const plain = [
    provider({ endpoint: PLACE, apiToken: token("state"), insecure: "true" }),
  ];

  it("comes from the environment, where that is of this very place", async () => {
    const expected = {
      endpoint: PLACE,
      apiToken: token("env"),
      insecure: true,
    };
    assert.deepEqual(
      await accessTo(PLACE, context({ environment, plain }), undefined),
      expected,
    );
    const other = { ...environment, PROXMOX_VE_ENDPOINT: "https://other:8006" };
    const found = await accessTo(
      PLACE,
      context({ environment: other, plain }),
      undefined,
    );
    assert.equal(found.apiToken, token("state"));
  });

  it("comes from a provider in the state, else from Corral's own resources", async () => {
    const own = {
      ...resource("corral-ops:index:GuestReady", "x", {
        machine: {
          proxmox: { endpoint: PLACE, apiToken: token("own"), insecure: false },
        },
      }),
    };
    const found = await accessTo(
      PLACE,
      context({ plain: [own, ...plain] }),
      undefined,
    );
    assert.deepEqual(found, {
      endpoint: PLACE,
      apiToken: token("state"),
      insecure: true,
    });
    const byOwn = await accessTo(
      PLACE,
      context({ plain: [provider({ endpoint: PLACE }), own] }),
      undefined,
    );
    assert.deepEqual(byOwn, {
      endpoint: PLACE,
      apiToken: token("own"),
      insecure: false,
    });
  });

  it("comes from where the fleet file points, and from the provider's configuration", async () => {
    const config = {
      labToken: token("fleet"),
      "proxmox:apiToken": token("config"),
      "proxmox:endpoint": PLACE,
    };
    const declared = { apiToken: { fromConfig: "labToken" }, insecure: true };
    assert.deepEqual(await accessTo(PLACE, context({ config }), declared), {
      endpoint: PLACE,
      apiToken: token("fleet"),
      insecure: true,
    });
    const byConfig = await accessTo(PLACE, context({ config }), undefined);
    assert.equal(byConfig.apiToken, token("config"));
  });

  it("is asked for, by name, where nobody has it", async () => {
    await assert.rejects(
      accessTo(PLACE, context(), undefined),
      /no API token is known for https:\/\/pve:8006.*PROXMOX_VE_API_TOKEN=/,
    );
    const lister = proxmoxLister(context());
    const nowhere = await lister.declaredPlace({});
    await assert.rejects(
      lister.list(nowhere, { project: "p", stack: "s" }),
      /PROXMOX_VE_ENDPOINT is not set/,
    );
  });

  it("is read from a state whose secrets are shown", () => {
    const secret = (value: unknown) => ({
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
      plaintext: JSON.stringify(value),
    });
    assert.deepEqual(
      unwrapped({
        inputs: {
          apiToken: secret("t"),
          machine: secret({ list: [secret(1)] }),
          plaintext: "mine",
        },
      }),
      { inputs: { apiToken: "t", machine: { list: [1] }, plaintext: "mine" } },
    );
  });
});

describe("Proxmox inventory: words and figures", () => {
  it("takes a machine up by node and id, and makes snippets anew", () => {
    const object = { name: "web", handle: "", uses: [], detail: "" };
    assert.deepEqual(adoptedAs({ ...object, kind: "vm", id: "pve/8101" }), {
      type: MACHINE,
      id: "8101",
      outputs: {
        nodeName: "pve",
        vmId: 8101,
        virtualEnvironmentVmId: "8101",
        keyboardLayout: "en-us",
        template: false,
      },
    });
    const snippet = { ...object, kind: "snippet", id: "pve/local:snippets/a" };
    assert.equal(adoptedAs(snippet), undefined);
  });

  it("says what a machine does in QEMU's word, and what locks it", () => {
    const figures = {
      vcpus: 2,
      memoryBytes: 2 ** 30,
      usedMemoryBytes: 3 * 2 ** 20,
      uptimeSeconds: 60,
    };
    assert.deepEqual(
      statusIn({
        ...figures,
        status: "running",
        qmpStatus: "paused",
        lock: "backup",
      }),
      {
        state: "paused (backup)",
        vcpus: 2,
        memoryMib: 1024,
        residentMib: 3,
        uptimeSeconds: 60,
      },
    );
  });
});
