import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { Mutex } from "async-mutex";
import execa from "execa";

import { parseIpv4Network } from "@corral-iac/corral/core/ipv4";

import { isRunning } from "../../processes";
import { readState } from "../state";

/** KubeVirt's default for `vmNetworkCIDR`. */
const defaultNetwork = "10.0.2.0/24";

/** What a guest sees of the network, as KubeVirt's masquerade binding gives it. */
export interface GuestView {
  /** The first address: its way out, its DHCP and its name server. */
  readonly gateway: string;
  /** The second one. */
  readonly address: string;
  readonly prefix: number;
  readonly netmask: string;
}

/** @param cidr the instance's `vmNetworkCIDR`. */
export function guestView(cidr = defaultNetwork): GuestView {
  const { base, prefix } = parseIpv4Network(cidr) ?? {};
  if (base === undefined || prefix === undefined || prefix > 30) {
    throw new Error(`vmNetworkCIDR ${cidr} is no network for a guest`);
  }
  return {
    gateway: dotted(base + 1),
    address: dotted(base + 2),
    prefix,
    netmask: dotted(2 ** 32 - 2 ** (32 - prefix)),
  };
}

/** A network namespace in the place of a machine's pod. */
export interface Pod {
  readonly namespace: string;
  /** Address at which this machine and other pods reach the guest. */
  readonly address: string;
}

/**
 * The network of the pods of real guests: one bridge of this machine, and for each pod a network
 * namespace with KubeVirt's masquerade binding in it, so that a guest keeps its own address
 * whatever its pod's is.
 */
export class PodNetwork {
  /** What the names of this lab's network namespaces and interfaces begin with. */
  readonly prefix: string;
  private readonly id: string;
  private readonly bridgeTurn = new Mutex();

  constructor(private readonly folder: string) {
    this.id = createHash("sha256").update(folder).digest("hex").slice(0, 6);
    this.prefix = `kv${this.id}`;
  }

  /** Makes a pod's network. What is there of an earlier attempt goes first. */
  async make(uid: string, guest: GuestView): Promise<Pod> {
    await this.remove(uid);
    // Guests start at the same time, and share the bridge.
    const net = await this.bridgeTurn.runExclusive(() => this.ensureBridge());
    const namespace = this.namespaceOf(uid);
    const pod: Pod = { namespace, address: `${net}.${this.take(uid)}` };
    const inside = (...args: string[]) =>
      ip("netns", "exec", namespace, "ip", ...args);
    await ip("netns", "add", namespace);
    const outer = this.outerLinkOf(uid);
    await ip(
      ...["link", "add", outer, "type", "veth"],
      ...["peer", "name", "eth0", "netns", namespace],
    );
    await ip("link", "set", outer, "master", this.bridge, "up");
    await inside("link", "set", "lo", "up");
    await inside("addr", "add", `${pod.address}/24`, "dev", "eth0");
    await inside("link", "set", "eth0", "up");
    await inside("route", "add", "default", "via", `${net}.1`);
    await inside("link", "add", "k6t-eth0", "type", "bridge");
    await inside(
      "addr",
      "add",
      `${guest.gateway}/${guest.prefix}`,
      "dev",
      "k6t-eth0",
    );
    await inside("link", "set", "k6t-eth0", "up");
    await inside("tuntap", "add", "tap0", "mode", "tap");
    await inside("link", "set", "tap0", "master", "k6t-eth0", "up");
    const run = (...args: string[]) => ip("netns", "exec", namespace, ...args);
    await run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1");
    const nat = (...rule: string[]) => run("iptables", "-t", "nat", ...rule);
    await nat(
      "-A",
      "PREROUTING",
      "-i",
      "eth0",
      "-j",
      "DNAT",
      "--to",
      guest.address,
    );
    await nat("-A", "POSTROUTING", "-o", "eth0", "-j", "MASQUERADE");
    return pod;
  }

  /** Removes a pod's network. */
  async remove(uid: string): Promise<void> {
    const namespace = this.namespaceOf(uid);
    const outer = this.outerLinkOf(uid);
    // The kernel takes a namespace's interfaces away later, and not while a process lives in it.
    if ((await addresses()).has(outer)) {
      await ip("link", "delete", outer);
    }
    if ((await namespaces()).includes(namespace)) {
      await ip("netns", "delete", namespace);
    }
    this.release(uid);
  }

  /** Removes all networks and the bridge. */
  async removeAll(): Promise<void> {
    for (const name of (await addresses()).keys()) {
      if (name.startsWith(this.prefix)) {
        await ip("link", "delete", name);
      }
    }
    for (const name of await namespaces()) {
      if (name.startsWith(this.prefix)) {
        await ip("netns", "delete", name);
      }
    }
  }

  private get bridge(): string {
    return `${this.prefix}-br`;
  }

  /**
   * The DHCP and name server of a pod: gives its one guest its one address, and knows the names of the
   * cluster's Services.
   *
   * @param domains in which the guest looks names up.
   * @param hosts file of names, read again at SIGHUP.
   */
  serverCommand(
    guest: GuestView,
    domains: readonly string[],
    hosts: string,
  ): string[] {
    return [
      "dnsmasq",
      ...["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file="],
      // A change of its user or group would take away that it ends with its parent.
      ...["--user=root", "--group=root"],
      ...["--no-resolv", "--no-hosts", "--leasefile-ro"],
      ...[`--addn-hosts=${hosts}`, "--local=/cluster.local/"],
      ...["--interface=k6t-eth0", "--bind-interfaces"],
      `--dhcp-range=${guest.address},${guest.address},${guest.netmask},infinite`,
      `--dhcp-option=option:router,${guest.gateway}`,
      `--dhcp-option=option:dns-server,${guest.gateway}`,
      `--dhcp-option=option:domain-search,${domains.join(",")}`,
      "--dhcp-authoritative",
    ];
  }

  /** The pod's interface on this side. */
  private outerLinkOf(uid: string): string {
    return `${this.prefix}${hash(uid, 6)}`;
  }

  private namespaceOf(uid: string): string {
    return `${this.prefix}-${hash(uid, 8)}`;
  }

  /** The network's first three parts. */
  private async ensureBridge(): Promise<string> {
    // Not by Node: it leaves out a bridge without a running guest.
    const links = await addresses();
    const known = links.get(this.bridge)?.[0];
    if (known !== undefined) {
      return known.slice(0, known.lastIndexOf("."));
    }
    const taken = [...links.values()].flat();
    const first = parseInt(this.id.slice(0, 2), 16);
    const number = Array.from(
      { length: 256 },
      (_, step) => (first + step) % 256,
    ).find(
      (one) => !taken.some((address) => address.startsWith(`10.142.${one}.`)),
    );
    if (number === undefined) {
      throw new Error(
        "All networks 10.142.0.0/24 to 10.142.255.0/24 are in use.",
      );
    }
    const net = `10.142.${number}`;
    await removeStrays();
    if (!links.has(this.bridge)) {
      await ip("link", "add", this.bridge, "type", "bridge");
    }
    await ip("link", "set", this.bridge, "alias", `${aliasWord}${this.folder}`);
    await ip("addr", "add", `${net}.1/24`, "dev", this.bridge);
    await ip("link", "set", this.bridge, "up");
    return net;
  }

  /** Last parts of the pods' addresses, by the instances' uid: they outlive the handler. */
  private get numbersFile(): string {
    return path.join(this.folder, "pod-addresses.json");
  }

  private get numbers(): Record<string, number> {
    return fs.existsSync(this.numbersFile)
      ? (JSON.parse(fs.readFileSync(this.numbersFile, "utf8")) as Record<
          string,
          number
        >)
      : {};
  }

  private take(uid: string): number {
    const all = this.numbers;
    const used = new Set(Object.values(all));
    const free = Array.from({ length: 253 }, (_, index) => index + 2).find(
      (number) => !used.has(number),
    );
    const number = all[uid] ?? free;
    if (number === undefined) {
      throw new Error("All addresses of the lab's pods are in use.");
    }
    fs.writeFileSync(
      this.numbersFile,
      JSON.stringify({ ...all, [uid]: number }),
    );
    return number;
  }

  private release(uid: string): void {
    const { [uid]: gone, ...rest } = this.numbers;
    if (gone !== undefined) {
      fs.writeFileSync(this.numbersFile, JSON.stringify(rest));
    }
  }
}

function dotted(address: number): string {
  return [24, 16, 8, 0]
    .map((shift) => Math.floor(address / 2 ** shift) % 256)
    .join(".");
}

/** The IPv4 addresses of every interface of this machine. */
async function addresses(): Promise<Map<string, string[]>> {
  const { stdout } = await execa("ip", ["-json", "addr", "show"]);
  const links = JSON.parse(stdout) as {
    ifname: string;
    addr_info: { family: string; local: string }[];
  }[];
  return new Map(
    links.map(({ ifname, addr_info }) => [
      ifname,
      addr_info
        .filter(({ family }) => family === "inet")
        .map(({ local }) => local),
    ]),
  );
}

/** What a bridge's alias begins with; the rest is the folder of its lab. */
const aliasWord = "corral-lab:";

/** Removes networks of labs that were killed: nobody took them down, and their folders may be gone. */
async function removeStrays(): Promise<void> {
  const { stdout } = await execa("ip", [
    ...["-json", "link", "show", "type", "bridge"],
  ]);
  const links = JSON.parse(stdout || "[]") as { ifalias?: string }[];
  for (const { ifalias = "" } of links) {
    const folder = ifalias.startsWith(aliasWord)
      ? ifalias.slice(aliasWord.length)
      : undefined;
    if (folder !== undefined && !isAlive(folder)) {
      await new PodNetwork(folder).removeAll();
    }
  }
}

/** Whether a part of a folder's lab runs. */
function isAlive(folder: string): boolean {
  return Object.values(readState(folder)?.parts ?? {}).some(({ process }) =>
    isRunning(process),
  );
}

function hash(text: string, length: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}

async function namespaces(): Promise<string[]> {
  const { stdout } = await execa("ip", ["netns", "list"]);
  return stdout
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .filter((name) => name !== "");
}

async function ip(...args: readonly string[]): Promise<void> {
  await execa("ip", args, { timeout: 30_000 });
}
