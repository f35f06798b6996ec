import assert from "node:assert/strict";
import { ProxmoxClient } from "@corral-iac/corral/core/proxmox-client/client";
import { AgentAccess } from "@corral-iac/corral-ops/guest/agentAccess";
import {
  judgeMachine,
  ProxmoxProbe,
} from "@corral-iac/corral-ops/guest/proxmoxProbe";
import type { Finding } from "@corral-iac/corral-ops/guest/probe";
import { type Answer, ApiServer, type Asked, TOKEN } from "./apiServer";

const never = new AbortController().signal;
const AGENT = "nodes/pve/qemu/8101/agent";

describe("Proxmox guests", () => {
  let server: ApiServer;
  let client: ProxmoxClient;
  let answers: Record<string, Answer | ((asked: Asked) => Answer)>;

  beforeEach(async () => {
    answers = {};
    server = await ApiServer.start((asked) => {
      const answer = answers[`${asked.method} ${asked.path}`] ?? {
        status: 501,
        reason: `Method '${asked.method} /${asked.path}' not implemented`,
      };
      return typeof answer === "function" ? answer(asked) : answer;
    });
    client = new ProxmoxClient({
      endpoint: server.endpoint,
      apiToken: TOKEN,
      insecure: true,
    });
  });

  afterEach(async () => {
    client.close();
    await server.stop();
  });

  const probe = (macAddress?: string) =>
    new ProxmoxProbe(client, { node: "pve", vmId: 8101, macAddress });
  const refused = (status: number, reason: string) => ({ status, reason });

  function assertFailed(
    finding: Finding<unknown>,
    reason: RegExp,
    remedy: RegExp,
  ): void {
    assert.equal(finding.is, "failed");
    assert.match(finding.reason, reason);
    assert.match(finding.remedy ?? "", remedy);
  }

  describe("a machine", () => {
    const STATUS = "GET nodes/pve/qemu/8101/status/current";

    it("gets ready, may still, or never will, by its state", () => {
      const is = (status: string, qmpStatus?: string, lock?: string) =>
        judgeMachine(8101, { status, qmpStatus, lock }).is;
      assert.equal(is("running", "running"), "ready");
      assert.equal(is("running"), "ready");
      assert.equal(is("running", "prelaunch"), "waiting");
      assert.equal(is("running", "paused", "snapshot"), "waiting");
      assert.equal(is("running", "paused"), "failed");
      assert.equal(is("running", "io-error"), "failed");
      assert.equal(is("stopped", "stopped", "backup"), "waiting");
      assert.equal(is("stopped", "stopped", "suspended"), "failed");
      assert.equal(is("stopped", "stopped"), "failed");
    });

    it("that is gone fails at once, and one that has moved says where it is", async () => {
      const gone =
        "Configuration file 'nodes/pve/qemu-server/8101.conf' does not exist";
      answers[STATUS] = refused(500, gone);
      answers["GET cluster/resources"] = { data: [] };
      assertFailed(
        await probe().machine(never),
        /there is no VM 8101 on node pve/,
        /up --refresh/,
      );
      const row = { type: "qemu", vmid: 8101, node: "pve2", status: "running" };
      answers["GET cluster/resources"] = { data: [row] };
      assertFailed(
        await probe().machine(never),
        /is on node pve2 .* no longer on pve/,
        /up --refresh/,
      );
    });

    it("that may not be looked at fails at once, and names the privilege", async () => {
      answers[STATUS] = refused(
        403,
        "Permission check failed (/vms/8101, VM.Audit)",
      );
      assertFailed(
        await probe().machine(never),
        /VM\.Audit/,
        /pveum acl modify \/vms\/8101 .*'corral@pve!test'/,
      );
    });

    it("is waited for when its server is away for a moment, not when it never answered", async () => {
      const looked = probe();
      answers[STATUS] = "reset";
      await assert.rejects(looked.machine(never), /cannot be reached/);
      answers[STATUS] = { data: { status: "running", qmpstatus: "running" } };
      assert.equal((await looked.machine(never)).is, "ready");
      answers[STATUS] = refused(596, "Connection timed out");
      assert.equal((await looked.machine(never)).is, "waiting");
    });
  });

  describe("a guest agent", () => {
    for (const [said, is] of [
      ["QEMU guest agent is not running", "waiting"],
      ["VM 8101 is not running", "waiting"],
      ["VM 8101 qga command 'guest-ping' failed - got timeout", "waiting"],
    ] as const) {
      it(`is waited for: ${said}`, async () => {
        answers[`POST ${AGENT}/ping`] = refused(500, said);
        assert.deepEqual(await probe().agent(never), { is, detail: said });
      });
    }

    it("that the machine does not have fails at once, and says how to switch it on", async () => {
      answers[`POST ${AGENT}/ping`] = refused(
        500,
        "No QEMU guest agent configured",
      );
      assertFailed(
        await probe().agent(never),
        /has no guest agent/,
        /--agent enabled=1/,
      );
    });

    it("that may not be asked fails at once", async () => {
      answers[`POST ${AGENT}/ping`] = refused(
        403,
        "Permission check failed (/vms/8101, VM.GuestAgent.Audit)",
      );
      assertFailed(
        await probe().agent(never),
        /GuestAgent\.Audit/,
        /pveum acl modify/,
      );
    });

    it("that answers is there", async () => {
      answers[`POST ${AGENT}/ping`] = { data: { result: {} } };
      assert.equal((await probe().agent(never)).is, "ready");
    });

    it("tells the addresses of the machine's own interface", async () => {
      const guestInterface = (
        name: string,
        mac: string | undefined,
        ...addresses: [string, string][]
      ) => ({
        name,
        "hardware-address": mac,
        "ip-addresses": addresses.map(([type, address]) => ({
          "ip-address-type": type,
          "ip-address": address,
          prefix: 24,
        })),
      });
      const result = [
        guestInterface("lo", "00:00:00:00:00:00", ["ipv4", "127.0.0.1"]),
        guestInterface("docker0", "02:42:00:00:00:01", ["ipv4", "172.17.0.1"]),
        guestInterface(
          "eth0",
          "bc:24:11:00:00:0a",
          ["ipv6", "fe80::1"],
          ["ipv6", "2001:db8::5"],
          ["ipv4", "10.0.0.5"],
        ),
        { name: "sit0" },
      ];
      answers[`GET ${AGENT}/network-get-interfaces`] = { data: { result } };
      assert.deepEqual(await probe("BC:24:11:00:00:0A").addresses(never), {
        is: "ready",
        value: ["10.0.0.5", "2001:db8::5"],
      });
      const other = await probe("bc:24:11:00:00:0b").addresses(never);
      assert.deepEqual(other, {
        is: "waiting",
        detail: "the guest agent tells no address of bc:24:11:00:00:0b yet",
      });
    });

    it("hands its own refusals on", async () => {
      const desc = "Command guest-network-get-interfaces has been disabled";
      answers[`GET ${AGENT}/network-get-interfaces`] = {
        data: { result: { error: { class: "GenericError", desc } } },
      };
      assertFailed(await probe().addresses(never), /disabled/, /qemu-ga/);
    });
  });

  describe("cloud-init through the agent", () => {
    const access = () =>
      new AgentAccess(client, { node: "pve", vmId: 8101 }, undefined);
    /** What each command's process ends with; one that is not there never ends. */
    const commands = (
      ...ends: { exitcode: number; "out-data"?: string; after?: number }[]
    ) => {
      let started = 0;
      const looks = new Map<number, number>();
      answers[`POST ${AGENT}/exec`] = () => ({ data: { pid: ++started } });
      answers[`GET ${AGENT}/exec-status`] = ({ parameters }) => {
        const pid = Number(parameters.get("pid"));
        looks.set(pid, (looks.get(pid) ?? 0) + 1);
        const { after = 0, ...end } = ends[pid - 1] ?? { after: Infinity };
        return {
          data:
            (looks.get(pid) ?? 0) > after
              ? { exited: 1, ...end }
              : { exited: 0 },
        };
      };
    };

    it("is asked by a shell in the guest, until that has ended", async () => {
      const said = "status: done\nextended_status: done\n";
      commands({ exitcode: 0, "out-data": said, after: 2 });
      assert.deepEqual(await access().cloudInit("", never), {
        is: "ready",
        value: { status: said.trim(), degraded: false },
      });
      const [asked] = server.asked;
      const [shell, flag, script, ...more] =
        asked?.parameters.getAll("command") ?? [];
      assert.deepEqual([shell, flag, more], ["/bin/sh", "-c", []]);
      assert.match(script ?? "", /cloud-init status --long/);
    });

    it("is waited for while it runs", async () => {
      commands({ exitcode: 90 });
      assert.equal((await access().cloudInit("", never)).is, "waiting");
    });

    it("fails with its own words and the end of its log", async () => {
      commands(
        { exitcode: 1, "out-data": "status: error\nerrors:\n- boom\n" },
        { exitcode: 0, "out-data": "Traceback: no such module\n" },
      );
      const finding = await access().cloudInit("", never);
      assert.ok(finding.is === "failed");
      assert.match(
        finding.reason,
        /exit code 1\):\n {2}status: error\n {2}errors:\n {2}- boom\nThe end of .*\n {2}Traceback/,
      );
    });

    it("fails at once when the agent may not run commands", async () => {
      answers[`POST ${AGENT}/exec`] = refused(
        403,
        "Permission check failed (/vms/8101, VM.GuestAgent.Unrestricted)",
      );
      assertFailed(
        await access().cloudInit("", never),
        /Unrestricted/,
        /pveum acl modify/,
      );
      answers[`POST ${AGENT}/exec`] = refused(
        500,
        "Agent error: Command guest-exec has been disabled: the command is not allowed",
      );
      assertFailed(
        await access().cloudInit("", never),
        /guest-exec has been disabled/,
        /through to ssh/,
      );
    });

    it("is waited for while the guest restarts", async () => {
      answers[`POST ${AGENT}/exec`] = "reset";
      assert.equal((await access().cloudInit("", never)).is, "waiting");
    });

    it("has seen nothing when the look was stopped", async () => {
      commands();
      const controller = new AbortController();
      const look = access().cloudInit("", controller.signal);
      setTimeout(() => controller.abort(), 50);
      assert.deepEqual(await look, { is: "waiting", detail: "" });
    });
  });
});
