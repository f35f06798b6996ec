import assert from "node:assert/strict";
import * as fs from "node:fs";
import { diffCensus } from "@corral-iac/tools/lab/census";
import { LabHost } from "@corral-iac/tools/lab/host/labHost";
import { ensureImage, type GuestImage } from "@corral-iac/tools/lab/image";
import { readRecipe } from "@corral-iac/tools/lab/recipe";

import { OpsProgram } from "../engine/provider/opsProgram";
import { type HostCensus, hostCensus } from "../support/labHost";
import {
  makeTestNetwork,
  type MachineOutputs,
  outputsOf,
  runInGuest,
  type TestNetwork,
} from "../support/microVms";

const network = {
  name: "default",
  subnet: "10.121.32.0/24",
  gateway: "10.121.32.1",
};

const back = { name: "back", subnet: "10.121.33.0/24", gateway: "10.121.33.1" };

/** A hypervisor of this suite, and the program that it takes. */
interface Subject {
  readonly hypervisor: string;
  readonly program: string;
  /** The variable that names the program on this machine; undefined: the lab's host has it. */
  readonly variable?: string;
}

/**
 * In no registry, and they need /dev/kvm: their suites run where a variable names a program
 * (cloud-hypervisor from 26; Firecracker from 1.8, which tells guests of its devices by ACPI).
 */
const SUBJECTS: readonly Subject[] = [
  { hypervisor: "qemu", program: "qemu-system-x86_64" },
  {
    hypervisor: "cloudHypervisor",
    program: "cloud-hypervisor",
    variable: "CORRAL_CLOUD_HYPERVISOR",
  },
  {
    hypervisor: "firecracker",
    program: "firecracker",
    variable: "CORRAL_FIRECRACKER",
  },
];

for (const { hypervisor, program: binary, variable } of SUBJECTS) {
  const given = variable === undefined ? undefined : process.env[variable];
  const isSkipped = variable !== undefined && given === undefined;
  (isSkipped ? describe.skip : describe)(
    `a Debian guest as a microVM of ${hypervisor}${isSkipped ? ` (${variable} names no program)` : ""}`,
    function () {
      this.timeout(300_000);
      let host: LabHost;
      let program: OpsProgram;
      let image: GuestImage;
      let clean: HostCensus;
      let web: MachineOutputs;

      const inGuest = async (command: string) =>
        (await runInGuest(web, command)).stdout.trim();

      before(async () => {
        image = await ensureImage(readRecipe("debian12"), console.log);
        host = await LabHost.start({ kvm: given !== undefined });
        if (given !== undefined) {
          host.put(given, `/usr/local/bin/${binary}`);
          fs.chmodSync(host.path(`/usr/local/bin/${binary}`), 0o755);
        }
        await makeTestNetwork(host, network);
        await makeTestNetwork(host, back);
        // Half a gigabyte: no test of uploading.
        host.put(image.disk, "/srv/debian.qcow2");
        clean = await hostCensus(host);
        program = await OpsProgram.make();
        const { hostKey, ...connection } = host.connection;
        const placeOf = ({ name, subnet, gateway }: TestNetwork) => ({
          connection: { ...connection, hostKey: hostKey.trim() },
          ...{ network: name, subnet, gateway },
          acceleration: given === undefined ? "tcg" : "kvm",
        });
        program.declare({
          type: "MicroVm",
          folder: "microvm",
          name: "web",
          args: {
            host: placeOf(network),
            hypervisor,
            vcpus: 2,
            memoryMib: 384,
            kernel: { file: image.unpackedKernel },
            initrd: { file: image.initrd },
            interfaces: [{ host: placeOf(back) }],
            // Its root file system is on a partition.
            kernelArguments: [
              /root=\S+/.exec(image.kernelArguments)?.[0] ?? "",
              ...["mitigations=off", "audit=0", "ds=nocloud;dsmode=local"],
            ],
            rootDisk: { image: { path: "/srv/debian.qcow2" } },
            volumes: [
              {
                name: "data",
                sizeGib: 0.0625,
                mountPoint: "/srv/data",
                keep: false,
              },
            ],
            cloudInit: {
              users: [{ name: "ops", sudo: true }],
              files: [{ path: "/etc/made", content: "by cloud-init" }],
              runCommands: ["touch /srv/data/ran"],
            },
            ready: { until: "cloudInit", timeoutSeconds: 270 },
            stopTimeoutSeconds: 60,
          },
        });
      });
      after(async () => {
        await program.remove();
        await host.remove();
      });

      it("boots from its root disk, is set up by cloud-init, and has its volume mounted", async () => {
        const { exitCode, output } = await program.up();
        assert.equal(
          exitCode,
          0,
          `${output}\n${await host.exec("journalctl -u 'corral-microvm-*' -n 40 --no-pager")}`,
        );
        web = await outputsOf(program, "web");
        assert.equal(await inGuest("hostname"), "web");
        assert.equal(await inGuest("id -un"), "ops");
        assert.equal(await inGuest("cat /etc/made"), "by cloud-init");
        assert.equal(await inGuest("sudo -n id -u"), "0");
        assert.match(
          await inGuest("grep ' /srv/data ' /proc/mounts; ls /srv/data"),
          / ext4 rw[^]*\bran$/,
        );
        assert.match(
          await inGuest("lsblk -no PKNAME $(findmnt -no SOURCE /)"),
          /^vda$/,
        );
      });

      it("has its address from Corral, and its gateway as the way out", async () => {
        assert.match(
          await inGuest("ip -4 -o address show eth0"),
          new RegExp(` ${web.address}/24 `),
        );
        assert.match(
          await inGuest("ip route show default"),
          /^default via 10\.121\.32\.1 dev eth0/m,
        );
        // Beyond the host nobody knows the way back: this test's network has no NAT.
        assert.equal(
          (await runInGuest(web, `ping -c 1 -W 5 ${host.address}`)).code,
          0,
        );
      });

      it("is in its second network too, by cloud-init, and not another way out", async () => {
        assert.match(
          await inGuest("ip -4 -o address show eth1"),
          / 10\.121\.33\.2\/24 /,
        );
        assert.equal(
          (await runInGuest(web, `ping -c 1 -W 5 -I eth1 ${back.gateway}`))
            .code,
          0,
        );
        assert.doesNotMatch(
          await inGuest("ip route show default"),
          /10\.121\.33/,
        );
      });

      it("is the same at the next update, and stops cleanly with nothing left", async () => {
        const again = await program.up("--refresh", "--expect-no-changes");
        assert.equal(again.exitCode, 0, again.output);
        const run = await program.run("destroy", "--yes", "--skip-preview");
        assert.equal(run.exitCode, 0, run.output);
        assert.match(
          await host.exec(
            `journalctl -u ${web.unitName} --output cat --no-pager | tail -n 60`,
          ),
          /reboot: (Power down|Restarting system|machine restart)|Powering Off|Rebooting/,
        );
        assert.deepEqual(diffCensus(clean, await hostCensus(host)), []);
      });
    },
  );
}
