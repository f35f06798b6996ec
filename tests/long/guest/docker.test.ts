import assert from "node:assert/strict";
import {
  AptRepository,
  type ServedRepository,
} from "@corral-iac/tools/lab/apt/repository";
import { OpsProgram } from "../../engine/provider/opsProgram";
import { labFleetOf, labMachine } from "../../support/fleets";
import { type Connection, Guest } from "../../support/guest";
import { TestStack } from "../../support/testStack";

const CIDR = "10.146.64.0/24";
/** The host's own address in the guest's network. */
const HOST = "10.146.64.1";
const PORT = 8095;

// For real, but without the internet: the packages come from the lab's own repository.
describe("the feature docker in a real guest", function () {
  this.bail(true);
  this.timeout(1_500_000);
  let stack: TestStack;
  let program: OpsProgram;
  let guest: Guest;
  let connection: Connection;
  let apt: ServedRepository;

  before(async () => {
    const repository = await AptRepository.ensure(
      console.log,
      "packages-docker",
    );
    stack = await TestStack.make("docker");
    program = await OpsProgram.make(["commandPlugin"]);
    stack.declare(
      labFleetOf(
        {
          box: labMachine({
            memoryMib: 768,
            rootDisk: { sizeGib: 4 },
            ready: { until: "cloudInit", timeoutSeconds: 600 },
            cloudInit: {
              users: [{ name: "ops", sudo: true }],
              files: repository.guestFiles(`http://${HOST}:${PORT}`),
            },
          }),
        },
        CIDR,
      ),
    );
    const { exitCode, output } = await stack.up();
    assert.equal(exitCode, 0, output);
    const { machines } = await stack.outputs<{
      machines: Record<string, { connection: Connection }>;
    }>();
    connection = machines.box?.connection as Connection;
    guest = new Guest(connection, stack.folder);
    apt = await repository.serve(HOST, PORT);
  });

  after(async () => {
    await guest?.disconnect();
    apt?.stop();
    // Nothing is undone in the guest: the feature has no `remove`.
    await program?.remove();
    await stack?.remove();
  });

  const declare = (users: readonly string[]) =>
    program.declare({
      type: "GuestFeature",
      folder: "guest",
      name: "box-docker",
      args: { connection, docker: { users }, timeoutSeconds: 1200 },
    });
  async function up(...flags: string[]): Promise<string> {
    const { exitCode, output } = await program.up(...flags);
    assert.equal(exitCode, 0, output);
    return output;
  }

  it("installs docker by apt, and docker answers", async () => {
    declare([]);
    const output = await up();
    assert.match(output, /docker: running its script \(at most 1200 s\)/);
    assert.ok(
      apt.requests.some((file) => file.startsWith("docker.io_")),
      apt.requests.join(" "),
    );
    const version = await guest.run(
      "sudo docker version --format '{{.Server.Version}}'",
    );
    assert.match(version, /^20\./);
    assert.equal(await guest.run("systemctl is-enabled docker"), "enabled");
  });

  it("changes nothing at a second up", async () => {
    const since = await guest.run(
      "systemctl show -p ActiveEnterTimestamp docker",
    );
    await up("--expect-no-changes");
    assert.equal(
      await guest.run("systemctl show -p ActiveEnterTimestamp docker"),
      since,
    );
  });

  it("lets users use it", async () => {
    declare(["ops"]);
    await up();
    await guest.disconnect();
    assert.match(await guest.run("docker info"), /Server Version: 20\./);
  });
});
