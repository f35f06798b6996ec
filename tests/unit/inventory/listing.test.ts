import assert from "node:assert/strict";
import { compare, removable } from "@corral-iac/corral/core/inventory/classify";
import { LibvirtClient } from "@corral-iac/corral/core/libvirt-client/client";
import { Virsh } from "@corral-iac/corral/core/libvirt-client/virsh";
import { renderStampElement } from "@corral-iac/corral/core/stamp";
import { listLibvirt } from "@corral-iac/corral/libvirt/inventory/listing";

const URI = "qemu:///system";
const STACK = { project: "corral", stack: "prod" };
const STAMP_ID = "0123456789abcdef";

/** A daemon that answers each command of virsh with a text; commands that it does not know fail. */
function clientOf(answers: Readonly<Record<string, string>>): LibvirtClient {
  const runner = (args: readonly string[]) => {
    const commands = args.length === 1 ? (args[0]?.split("; ") ?? []) : [];
    const stdout =
      commands.length === 0
        ? answers[args.join(" ")]
        : commands
            .map(
              (command) =>
                /^echo (.*)/.exec(command)?.[1] ?? answers[command] ?? "",
            )
            .join("");
    return Promise.resolve(
      stdout === undefined
        ? { code: 1, stdout: "", stderr: `error: unknown: ${args.join(" ")}` }
        : { code: 0, stdout, stderr: "" },
    );
  };
  return new LibvirtClient(new Virsh(URI, runner));
}

const stamped = (id: string) =>
  `<metadata>${renderStampElement({ ...STACK, id, component: "LibvirtVm", name: "web" })}</metadata>`;

describe("libvirt inventory: a host's listing", () => {
  it("tells the network of a domain that stays as used, as its disks are", async () => {
    const root = "corral-prod-web-root-01234567.qcow2";
    const cd = "corral-prod-web-cloudinit-01234567.iso";
    const client = clientOf({
      "list --all --uuid": "domain-uuid\n",
      "net-list --all --uuid": "network-uuid\n",
      "pool-list --all --name": "default\n",
      "pool-list --name": "default\n",
      "dumpxml domain-uuid": `<domain><name>other</name><uuid>domain-uuid</uuid><devices>
        <disk type='volume'><source pool='default' volume='${root}' index='2'/></disk>
        <disk><source file='/pool/${cd}'/></disk>
        <interface><source network='corral-prod-lan'/></interface>
        <interface><source network='elsewhere'/></interface></devices></domain>`,
      "domstate domain-uuid": "running\n",
      "net-dumpxml network-uuid": `<network><name>corral-prod-lan</name><uuid>network-uuid</uuid>${stamped(STAMP_ID)}</network>`,
      "pool-refresh default": "Pool default refreshed\n",
      "vol-list default": ` ${root}   /pool/${root}\n ${cd}   /pool/${cd}\n`,
    });
    const listing = await listLibvirt(URI, STACK, client);
    const listings = new Map([[URI, listing]]);
    const { leftovers } = compare({
      references: [],
      stampIds: [STAMP_ID],
      listings,
    });
    const { free, used } = removable(leftovers, listings);
    assert.deepEqual(free, []);
    assert.deepEqual(
      used.map(({ object, by }) => [object.kind, object.name, by]),
      [
        ["network", "corral-prod-lan", "domain other"],
        ["volume", root, "domain other"],
        ["volume", cd, "domain other"],
      ],
    );
  });
});
