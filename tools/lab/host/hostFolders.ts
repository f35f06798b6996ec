import * as fs from "node:fs";
import * as path from "node:path";

import { corralHome } from "@corral-iac/corral/core/home";
import { Type, type Static } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

import { run } from "../../toolchain/commands";
import { withLock } from "../../toolchain/lock";
import { isRunning, know } from "../processes";
import { HostGroups } from "./groups";

const process_ = Type.Object({
  name: Type.String(),
  pid: Type.Integer({ minimum: 1 }),
  started: Type.String(),
});

const hostRecord = Type.Object({
  /** Name of the host, its folder and its control groups. */
  name: Type.String(),
  /** Its place in the lab's addresses: four of them from here on. */
  index: Type.Integer({ minimum: 0 }),
  /** The host ends with this process; left out: it runs until it is taken down. */
  owner: Type.Optional(process_),
  /** The container's outer process. */
  container: Type.Optional(process_),
  /** Whether there is /dev/net/tun. */
  tun: Type.Boolean(),
  kvm: Type.Boolean(),
});

/** What is known of a host outside of it, so that others leave it alone or clear it away. */
export type HostRecord = Static<typeof hostRecord>;

/** Addresses of the lab's hosts: 10.120.0.0/18, four for each. */
const LAST_INDEX = (1 << 14) / 4 - 1;

export function hostsFolder(): string {
  return path.join(corralHome(), "hosts");
}

export function hostFolder(name: string): string {
  return path.join(hostsFolder(), name);
}

/** The addresses of this machine and of the host, on the link between them. */
export function hostAddresses(index: number): { outer: string; host: string } {
  const at = (offset: number) =>
    `10.120.${(index * 4 + offset) >> 8}.${(index * 4 + offset) & 255}`;
  return { outer: at(1), host: at(2) };
}

/** This machine's end of the link; a name of an interface has at most 15 characters. */
export function hostLink(name: string): string {
  return `ve-${name}`;
}

export function readHostRecord(name: string): HostRecord | undefined {
  try {
    const text = fs.readFileSync(recordFile(name), "utf8");
    const value: unknown = JSON.parse(text);
    return Value.Check(hostRecord, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function writeHostRecord(record: HostRecord): void {
  const draft = `${recordFile(record.name)}.tmp-${process.pid}`;
  fs.writeFileSync(draft, `${JSON.stringify(record, null, 2)}\n`);
  fs.renameSync(draft, recordFile(record.name));
}

const recordFile = (name: string) => path.join(hostFolder(name), "host.json");

/** Makes the folder of a new host and gives it addresses that no other one has. */
export function reserveHost(
  host: Omit<HostRecord, "index">,
): Promise<HostRecord> {
  fs.mkdirSync(hostsFolder(), { recursive: true });
  return withLock(path.join(hostsFolder(), "lock"), async () => {
    await clearAwayDead();
    if (fs.existsSync(hostFolder(host.name))) {
      throw new Error(`there is a host ${host.name} in the lab already`);
    }
    // Hosts of another CORRAL_HOME have their addresses here, but no folder.
    const addresses = await run("ip", ["-4", "-o", "address"], {
      timeoutSeconds: 10,
    });
    const taken = hostNames().map((name) => readHostRecord(name)?.index);
    const index = Array.from({ length: LAST_INDEX }, (_, at) => at).find(
      (at) =>
        !taken.includes(at) &&
        !addresses.includes(` ${hostAddresses(at).outer}/`),
    );
    if (index === undefined) {
      throw new Error("all addresses of the lab's hosts are taken");
    }
    fs.mkdirSync(hostFolder(host.name), { mode: 0o700 });
    const record = { ...host, index };
    writeHostRecord(record);
    return record;
  });
}

/** Removes what is left of a host whose processes have ended. */
export async function removeHost(name: string): Promise<void> {
  await HostGroups.of(name).remove();
  fs.rmSync(hostFolder(name), { recursive: true, force: true });
}

export function hostNames(): string[] {
  return fs.existsSync(hostsFolder())
    ? fs
        .readdirSync(hostsFolder(), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name)
    : [];
}

/** Hosts end with their owners, whose folders stay when those were killed. */
async function clearAwayDead(): Promise<void> {
  for (const name of hostNames()) {
    const record = readHostRecord(name);
    const isDead =
      record?.owner !== undefined &&
      !isRunning(record.owner) &&
      !(record.container !== undefined && isRunning(record.container));
    if (record === undefined || isDead) {
      await removeHost(name);
    }
  }
}

/** This process as the owner of a host. */
export function thisProcess(): HostRecord["owner"] {
  return know("owner", process.pid);
}
