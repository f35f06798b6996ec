import { createHash } from "node:crypto";
import type { SeedFiles } from "../../seedIso";
import { networksOf } from "../config/nets";
import { parseProperties } from "../config/propertyString";

/** Files of a user's own, in place of what Proxmox would write. */
export type CustomFiles = Partial<
  Record<"user" | "network" | "meta" | "vendor", string>
>;

/** Name servers and search domains of the node, for machines without ones of their own. */
export interface HostDns {
  readonly nameservers: readonly string[];
  readonly searchDomains: readonly string[];
}

type Config = Readonly<Record<string, string>>;

/** The files of a machine's cloud-init drive, as Proxmox writes them. */
export function cloudInitFiles(
  config: Config,
  vmId: number,
  custom: CustomFiles,
  dns: HostDns,
): SeedFiles {
  const userData = custom.user ?? renderUserData(config, vmId);
  const networkConfig = custom.network ?? renderNetworkConfig(config, dns);
  const files = {
    userData,
    networkConfig,
    metaData:
      custom.meta ?? `instance-id: ${instanceId(userData, networkConfig)}\n`,
    vendorData: custom.vendor ?? "",
  };
  const bytes = Object.values(files).join("").length;
  if (bytes > 3 * 1024 ** 2) {
    throw new Error("Cloud-Init sum of snippets too big (> 3 MiB)");
  }
  return files;
}

/** Changes with every byte of user data and network: a guest then sets itself up anew. */
export function instanceId(userData: string, networkConfig: string): string {
  return createHash("sha1")
    .update(userData + networkConfig)
    .digest("hex");
}

/** The `instance-id` that a machine gets. */
export function instanceIdOf({ metaData }: SeedFiles): string | undefined {
  return /^instance-id:\s*(\S+)/m.exec(metaData)?.[1];
}

/** `#cloud-config` of name, user, password and keys. */
export function renderUserData(config: Config, vmId: number): string {
  const name = config.name ?? `VM${vmId}`;
  const hostname = name.replace(/\..*$/, "");
  const domain = config.searchdomain?.split(/\s+/)[0];
  const fqdn =
    name.includes(".") || domain === undefined ? name : `${name}.${domain}`;
  const user = config.ciuser;
  const keys = decodeURIComponent(config.sshkeys ?? "")
    .split("\n")
    .filter((key) => key.trim() !== "");
  return lines(
    "#cloud-config",
    `hostname: ${hostname}`,
    "manage_etc_hosts: true",
    `fqdn: ${fqdn}`,
    ...(user === undefined ? [] : [`user: ${user}`]),
    ...(user === "root" ? ["disable_root: False"] : []),
    ...(config.cipassword === undefined
      ? []
      : [`password: ${config.cipassword}`]),
    ...(config.sshkeys === undefined
      ? []
      : ["ssh_authorized_keys:", ...keys.map((key) => `  - ${key}`)]),
    "chpasswd:",
    "  expire: False",
    ...(user === "root" ? [] : ["users:", "  - default"]),
    ...((config.ciupgrade ?? "1") === "1" ? ["package_upgrade: true"] : []),
  );
}

/** Network configuration of version 1, with one entry for each device that has an `ipconfig`. */
export function renderNetworkConfig(config: Config, dns: HostDns): string {
  const cards = [...networksOf(config)].flatMap(([key, { mac }]) => {
    const id = key.replace("net", "");
    const ipConfig = config[`ipconfig${id}`];
    return ipConfig === undefined
      ? []
      : [
          "    - type: physical",
          `      name: eth${id}`,
          `      mac_address: '${mac.toLowerCase()}'`,
          "      subnets:",
          ...subnets(ipConfig),
        ];
  });
  const nameservers = config.nameserver?.split(/\s+/) ?? dns.nameservers;
  const search = config.searchdomain?.split(/\s+/) ?? dns.searchDomains;
  return lines(
    "version: 1",
    "config:",
    ...cards,
    "    - type: nameserver",
    ...list("address", nameservers),
    ...list("search", search),
  );
}

function subnets(ipConfig: string): string[] {
  const parts = parseProperties(ipConfig);
  const ip = parts.get("ip");
  const ip6 = parts.get("ip6");
  return [
    ...(ip === undefined ? [] : subnet4(ip, parts.get("gw"))),
    ...(ip6 === undefined ? [] : subnet6(ip6, parts.get("gw6"))),
  ];
}

function subnet4(ip: string, gateway: string | undefined): string[] {
  if (ip === "dhcp") {
    return ["      - type: dhcp4"];
  }
  const [address = "", prefix] = ip.split("/");
  if (prefix === undefined) {
    throw new Error(`not a CIDR: ${ip}`);
  }
  return [
    "      - type: static",
    `        address: '${address}'`,
    `        netmask: '${netmask(Number(prefix))}'`,
    ...(gateway === undefined ? [] : [`        gateway: '${gateway}'`]),
  ];
}

function subnet6(ip: string, gateway: string | undefined): string[] {
  if (ip === "dhcp" || ip === "auto") {
    return [`      - type: ${ip === "dhcp" ? "dhcp6" : "ipv6_slaac"}`];
  }
  return [
    "      - type: static6",
    `        address: '${ip}'`,
    ...(gateway === undefined ? [] : [`        gateway: '${gateway}'`]),
  ];
}

/** Dotted form of a prefix length: 24 is 255.255.255.0. */
export function netmask(prefix: number): string {
  return [0, 8, 16, 24]
    .map((shift) => {
      const bits = Math.min(8, Math.max(0, prefix - shift));
      return 256 - 2 ** (8 - bits);
    })
    .join(".");
}

function list(name: string, values: readonly string[]): string[] {
  return values.length === 0
    ? []
    : [`      ${name}:`, ...values.map((value) => `      - '${value}'`)];
}

function lines(...all: string[]): string {
  return `${all.join("\n")}\n`;
}
