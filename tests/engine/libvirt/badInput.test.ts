import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as http from "node:http";
import * as path from "node:path";
import { listenOnLoopback } from "@corral-iac/tools/lab/loopback";
import { blankMachine, fleetOf, LAN_CIDR } from "../../support/fleets";
import {
  domains,
  TestPool,
  URI,
  virsh,
  volumes,
} from "../../support/hypervisor";
import { TestStack } from "../../support/testStack";

// Each test: the fault is told in words, and the mended declaration goes through on the same state.
describe("wrong input to a LibvirtVm", () => {
  let pool: TestPool;
  let stack: TestStack;

  before(async () => {
    pool = await TestPool.make();
    stack = await TestStack.make("wrong");
  });

  afterEach(async () => {
    const { exitCode, output } = await stack.destroy();
    assert.equal(exitCode, 0, output);
  });

  after(async () => {
    await stack.remove();
    await pool.remove();
  });

  async function fails(fleet: unknown, ...expected: RegExp[]): Promise<string> {
    stack.declare(fleet);
    const { exitCode, output } = await stack.up();
    assert.notEqual(exitCode, 0, `should have failed:\n${output}`);
    for (const pattern of expected) {
      assert.match(output, pattern);
    }
    return output;
  }

  async function mended(fleet: unknown): Promise<void> {
    stack.declare(fleet);
    const { exitCode, output } = await stack.up();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(await domains("wrong"), ["corral-wrong-web"]);
  }

  it("names every fault of a fleet file with its path, without a stack trace, and makes nothing", async () => {
    const output = await fails(
      {
        hypervisors: {
          host: {
            libvirt: {
              uri: "nonsense",
              networks: { lan: { cidr: "10.98.0.7/24" } },
            },
          },
        },
        machines: {
          web: blankMachine(pool, {
            vcpus: 0,
            memory: 512,
            network: { name: "lan", bridge: "br0" },
          }),
          db: { libvirt: { hypervisor: "hots", image: {} } },
        },
      },
      /hypervisors\.host\.libvirt\.uri/,
      /hypervisors\.host\.libvirt\.networks\.lan\.cidr is "10\.98\.0\.7\/24"/,
      /machines\.web\.libvirt\.vcpus is 0, must be .*from 1 to 512/,
      /machines\.web\.libvirt\.memory is not known/,
      /machines\.web\.libvirt\.network has name and bridge/,
      /machines\.db\.libvirt\.hypervisor is "hots"/,
      /machines\.db\.libvirt\.image has none/,
    );
    assert.doesNotMatch(output, /\.ts:\d+|\.js:\d+/);
    assert.deepEqual(await domains("wrong"), []);
  });

  it("says that libvirt cannot be reached, and where", async () => {
    const unreachable = "qemu+unix:///system?socket=/nowhere/libvirt-sock";
    const fleet = fleetOf({ web: blankMachine(pool) }) as {
      hypervisors: { host: { libvirt: { uri: string } } };
    };
    fleet.hypervisors.host.libvirt.uri = unreachable;
    await fails(
      fleet,
      /\/nowhere\/libvirt-sock/,
      /cannot be reached|no such file/i,
    );
    await mended(fleetOf({ web: blankMachine(pool) }));
  });

  it("says that an image is missing, and which there are", async () => {
    await fails(
      fleetOf({ web: blankMachine(pool, { image: { name: "debain.qcow2" } }) }),
      new RegExp(
        `image "debain\\.qcow2" does not exist in pool "${pool.name}".*blank\\.qcow2`,
      ),
    );
    await mended(fleetOf({ web: blankMachine(pool) }));
  });

  it("says that an image file does not exist", async () => {
    await fails(
      fleetOf({
        web: blankMachine(pool, { image: { path: "images/none.qcow2" } }),
      }),
      /image images\/none\.qcow2 does not exist on the machine that runs this program/,
    );
    await mended(fleetOf({ web: blankMachine(pool) }));
  });

  it("says what an image of a wrong format is, and how to convert it", async () => {
    const vmdk = path.join(stack.folder, "appliance.vmdk");
    fs.writeFileSync(
      vmdk,
      Buffer.concat([Buffer.from("KDMV"), Buffer.alloc(2000)]),
    );
    await fails(
      fleetOf({ web: blankMachine(pool, { image: { path: vmdk } }) }),
      /appliance\.vmdk is VMDK \(VMware\)/,
      /qemu-img convert/,
    );
    await mended(fleetOf({ web: blankMachine(pool) }));
  });

  it("tells an error page from an image, and takes an image by its address", async () => {
    const image = fs.readFileSync(path.join(pool.path, TestPool.IMAGE));
    const server = http.createServer((request, response) => {
      const found = request.url === "/image.qcow2";
      response.writeHead(
        request.url === "/gone.qcow2" ? 404 : 200,
        found ? { "content-length": image.length } : {},
      );
      response.end(
        request.method === "HEAD"
          ? undefined
          : found
            ? image
            : "<html>not found</html>",
      );
    });
    const base = `http://127.0.0.1:${await listenOnLoopback(server)}`;
    try {
      await fails(
        fleetOf({
          web: blankMachine(pool, { image: { url: `${base}/page` } }),
        }),
        /is a web page/,
      );
      await fails(
        fleetOf({
          web: blankMachine(pool, { image: { url: `${base}/gone.qcow2` } }),
        }),
        /answers 404/,
      );
      await mended(
        fleetOf({
          web: blankMachine(pool, { image: { url: `${base}/image.qcow2` } }),
        }),
      );
    } finally {
      server.close();
    }
  });

  it("refuses a name that somebody else's machine has, and leaves that machine alone", async () => {
    const stranger = `<domain type="qemu"><name>corral-wrong-web</name><memory unit="MiB">64</memory><os><type>hvm</type></os></domain>`;
    const file = path.join(stack.folder, "stranger.xml");
    fs.writeFileSync(file, stranger);
    await virsh("define", file);
    const uuid = await virsh("domuuid", "corral-wrong-web");
    try {
      await fails(
        fleetOf({ web: blankMachine(pool) }),
        /the name "corral-wrong-web" is taken .* by a domain that Corral did not make/,
      );
      assert.equal(await virsh("domuuid", "corral-wrong-web"), uuid);
    } finally {
      await virsh("undefine", "corral-wrong-web");
    }
    await mended(fleetOf({ web: blankMachine(pool) }));
  });

  it("names the owner of a machine that another stack of Corral made", async () => {
    const other = await TestStack.make("wrong");
    try {
      other.declare(fleetOf({ web: blankMachine(pool) }));
      const made = await other.up();
      assert.equal(made.exitCode, 0, made.output);
      await fails(
        fleetOf({ web: blankMachine(pool) }, "10.99.0.0/24"),
        /taken .* by the (domain|network) of Libvirt(Vm|Network) "(web|host-lan)" of corral\/wrong \(stamp [0-9a-f]{16}\)/,
      );
    } finally {
      await other.remove();
    }
    await mended(fleetOf({ web: blankMachine(pool) }));
  });

  it("says that the pool is full before it uploads an image, and by how much", async () => {
    const small = await TestPool.make(24);
    const big = path.join(stack.folder, "big.img");
    const image = Buffer.alloc(20 * 1024 * 1024);
    image.set([0x55, 0xaa], 510);
    fs.writeFileSync(big, image);
    try {
      await fails(
        fleetOf({ web: blankMachine(small, { image: { path: big } }) }),
        new RegExp(
          `pool "${small.name}" at ${URI} is full: .* needs 36\\.0 MiB, .* are free`,
        ),
      );
      assert.ok(
        !(await volumes(small.name)).some((name) =>
          /-(image|root)-/.test(name),
        ),
      );
      await mended(
        fleetOf({ web: blankMachine(pool, { image: { path: big } }) }),
      );
    } finally {
      await stack.destroy();
      await small.remove();
    }
  });

  it("names a network whose addresses the new one would overlap", async () => {
    const file = path.join(stack.folder, "net.xml");
    const network = LAN_CIDR.replace("/24", "");
    const gateway = network.replace(/0$/, "1");
    fs.writeFileSync(
      file,
      `<network><name>office</name><forward mode="nat"/><ip address="${gateway}" netmask="255.255.0.0"/></network>`,
    );
    await virsh("net-define", file);
    try {
      await fails(
        fleetOf({ web: blankMachine(pool) }),
        new RegExp(
          `cidr ${LAN_CIDR} .* overlaps ${network}/16 of the network "office"`,
        ),
      );
    } finally {
      await virsh("net-undefine", "office");
    }
    await mended(fleetOf({ web: blankMachine(pool) }));
  });

  it("refuses a root disk smaller than its image", async () => {
    await fails(
      fleetOf({ web: blankMachine(pool, { rootDisk: { sizeGib: 0.01 } }) }),
      /rootDisk\.sizeGib makes 10\.2 MiB, must be at least the size of image "blank\.qcow2": 16\.0 MiB/,
    );
    await mended(
      fleetOf({ web: blankMachine(pool, { rootDisk: { sizeGib: 0.1 } }) }),
    );
  });
});
