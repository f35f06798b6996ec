import assert from "node:assert/strict";
import {
  survivorsIn,
  type ObservedProcess,
} from "@corral-iac/cli/recovery/survivorsIn";
import { listeningSockets } from "@corral-iac/cli/recovery/listeners";
import { parseStat } from "@corral-iac/cli/recovery/processes";

const run = { programFolder: "/work/corral", project: "corral", stack: "dev" };
const DEAD = "127.0.0.1:41623";
const ALIVE = "127.0.0.1:35701";

function process(
  pid: number,
  command: string,
  changes: Partial<ObservedProcess> = {},
): ObservedProcess {
  return {
    pid,
    parent: 1,
    startTicks: 1000 + pid,
    command: command.split(" "),
    folder: "/work/corral",
    variables: {},
    ...changes,
  };
}

const host = (pid: number, address: string) =>
  process(pid, `/home/ops/.pulumi/bin/pulumi-language-nodejs ${address}`);
const program = (pid: number, address: string, stack: string) =>
  process(
    pid,
    `/usr/bin/node /work/corral/node_modules/@pulumi/pulumi/cmd/run/index.js --monitor 127.0.0.1:1 --engine ${address} --project corral --stack ${stack} --pwd /work/corral .`,
  );
const bridge = (pid: number, address: string, changes = {}) =>
  process(
    pid,
    `/home/ops/.pulumi/plugins/x/pulumi-resource-terraform-provider ${address}`,
    { variables: { PULUMI_PROJECT: "corral" }, ...changes },
  );
const terraformProvider = (
  pid: number,
  logs: string | undefined,
  changes = {},
) =>
  process(pid, "/home/ops/x/terraform-provider-libvirt_v0.8.3", {
    variables: {
      TF_PLUGIN_MAGIC_COOKIE: "d602",
      ...(logs === undefined ? {} : { PULUMI_LOG_OTLP_ENDPOINT: logs }),
    },
    ...changes,
  });

function survivors(...processes: ObservedProcess[]): number[] {
  return survivorsIn(
    processes,
    run,
    (address) => address === DEAD || address === "localhost:37603",
  ).map(({ pid }) => pid);
}

describe("what a dead engine left behind", () => {
  it("is its language host, program and plugins, with what these started", () => {
    assert.deepEqual(
      survivors(
        host(10, DEAD),
        program(11, DEAD, "dev"),
        bridge(12, DEAD),
        terraformProvider(13, "localhost:37603", { parent: 12 }),
        process(14, "node /x/pulumi-resource-corral-ops 127.0.0.1:41623"),
        process(15, "virsh -c qemu:///system list", { parent: 14 }),
      ).sort(),
      [10, 11, 12, 13, 14, 15],
    );
  });

  it("is a Terraform provider whose bridge is gone as well", () => {
    assert.deepEqual(survivors(terraformProvider(13, "localhost:37603")), [13]);
  });

  it("is nothing of an engine that lives", () => {
    assert.deepEqual(
      survivors(
        host(10, ALIVE),
        program(11, ALIVE, "dev"),
        bridge(12, ALIVE),
        terraformProvider(13, "localhost:4000", { parent: 12 }),
      ),
      [],
    );
  });

  it("is no engine that a program started, nor what that started", () => {
    assert.deepEqual(
      survivors(
        program(11, DEAD, "dev"),
        process(12, "pulumi up --stack other", { parent: 11 }),
        bridge(13, ALIVE, { parent: 12 }),
      ),
      [11],
    );
  });

  it("is found for a stack that is named with its organization and project", () => {
    const processes = [host(10, DEAD), program(11, DEAD, "dev")];
    const named = { ...run, stack: "organization/corral/dev" };
    assert.deepEqual(
      survivorsIn(processes, named, () => true).map(({ pid }) => pid),
      [10, 11],
    );
    assert.deepEqual(
      survivors(program(12, DEAD, "organization/corral/dev")),
      [12],
    );
  });

  it("is nothing of another stack, project or folder", () => {
    assert.deepEqual(
      survivors(
        host(10, DEAD),
        program(11, DEAD, "prod"),
        bridge(12, DEAD),
        bridge(13, "127.0.0.1:1", { variables: { PULUMI_STACK: "prod" } }),
        bridge(14, "127.0.0.1:1", { variables: { PULUMI_PROJECT: "other" } }),
        bridge(15, "127.0.0.1:1", { folder: "/work/corral2" }),
      ),
      [],
    );
  });

  it("is nothing that others started: terraform, daemons, programs with an address", () => {
    assert.deepEqual(
      survivors(
        terraformProvider(10, undefined),
        process(11, `redis-server ${DEAD}`),
        process(12, "nohup pulumi-resource-notes.txt"),
        process(13, "vim pulumi-resource-x"),
      ),
      [],
    );
  });

  it("may work in a folder of the program", () => {
    const inside = bridge(12, DEAD, { folder: "/work/corral/app" });
    assert.deepEqual(survivors(inside), [12]);
  });

  it("is named by its program", () => {
    const [found] = survivorsIn(
      [process(14, `node /x/pulumi-resource-corral-ops ${DEAD}`)],
      run,
      () => true,
    );
    assert.equal(found?.name, "pulumi-resource-corral-ops");
  });
});

describe("what the kernel says of processes", () => {
  it("is read from /proc/PID/stat, whatever the program's name", () => {
    const rest = "S 7 10 10 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4242 1000";
    assert.deepEqual(parseStat(`10 (a) b (c) ${rest}\n`), {
      pid: 10,
      parent: 7,
      startTicks: 4242,
    });
    assert.equal(parseStat(`10 (x) ${rest.replace("S", "Z")}`), undefined);
  });

  it("is read from /proc/net/tcp, of listening sockets only", () => {
    const table = [
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
      "   0: 0100007F:A297 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 58201 1 0 100 0 0 10 0",
      "   1: 0100007F:A297 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 58202 1 0 20 4 30 10 -1",
    ].join("\n");
    assert.deepEqual(listeningSockets(table, 0xa297), ["58201"]);
    assert.deepEqual(listeningSockets(table, 0x9c40), []);
  });
});
