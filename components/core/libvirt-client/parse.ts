import type { InterfaceAddress } from "../addresses";

/** Reads what virsh writes. Pure. */

/** The lines that say something, trimmed. */
export function lines(output: string): string[] {
  return output
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** The columns of a virsh table (with -q there is no header), split at two or more blanks. */
export function tableRows(output: string): string[][] {
  return lines(output)
    .filter((line) => !/^-+$/.test(line))
    .map((line) => line.split(/\s{2,}/));
}

/** `Name: value` lines, as of pool-info and vol-info. */
export function infoFields(output: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of output.split("\n")) {
    const match = /^([^:]+):\s*(.*)$/.exec(line.trim());
    if (match?.[1]) {
      fields[match[1]] = match[2] ?? "";
    }
  }
  return fields;
}

export interface DomainState {
  /** For instance `running`, `paused`, `shut off`, `crashed`. */
  readonly state: string;
  /** For instance `booted`, `I/O error`; empty if none. */
  readonly reason: string;
}

/** Output of `domstate --reason`: `running (booted)`. */
export function parseDomainState(output: string): DomainState {
  const match = /^([^(]*?)\s*(?:\((.*)\))?$/.exec(output.trim());
  return { state: match?.[1] ?? output.trim(), reason: match?.[2] ?? "" };
}

export interface DomainInfo {
  /** As of {@link DomainState}. */
  readonly state: string;
  /** Whether it starts with the hypervisor. */
  readonly autostart: boolean;
}

/** Output of `dominfo`. */
export function parseDomainInfo(output: string): DomainInfo {
  const { State = "", Autostart } = infoFields(output);
  return { state: State, autostart: Autostart === "enable" };
}

/** Output of `domifaddr --full`: name, MAC, protocol, address/prefix. */
export function parseInterfaceAddresses(output: string): InterfaceAddress[] {
  return tableRows(output).flatMap((row) => {
    const mac = row.find((cell) =>
      /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(cell),
    );
    const family = row.find((cell) => cell === "ipv4" || cell === "ipv6");
    const address = row[row.length - 1]?.split("/")[0];
    return mac && family && address
      ? [{ mac: mac.toLowerCase(), family, address } as const]
      : [];
  });
}

export interface Lease {
  readonly expiry: string;
  readonly mac: string;
  readonly address: string;
}

/** Output of `net-dhcp-leases`: expiry, MAC, protocol, address/prefix, host name, client id. */
export function parseLeases(output: string): Lease[] {
  return tableRows(output).flatMap((row) => {
    const [expiry, mac, , address] = row;
    return expiry && mac && address
      ? [
          {
            expiry,
            mac: mac.toLowerCase(),
            address: address.split("/")[0] ?? "",
          },
        ]
      : [];
  });
}

export interface DomainInterface {
  readonly type: string;
  readonly source: string;
  readonly mac: string;
}

/** Output of `domiflist`: interface, type, source, model, MAC. */
export function parseDomainInterfaces(output: string): DomainInterface[] {
  return tableRows(output).flatMap(([, type, source, , mac]) =>
    type && source && mac ? [{ type, source, mac: mac.toLowerCase() }] : [],
  );
}

/** Text that a terminal would make of a console's bytes, near enough: no control sequences. */
export function stripControlSequences(text: string): string {
  return (
    text
      // Operating system commands, device control strings and their like, to their terminator.
      // eslint-disable-next-line no-control-regex
      .replace(/\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?/g, "")
      // CSI sequences: colours, cursor movement.
      // eslint-disable-next-line no-control-regex
      .replace(/\u001b\[[0-?]*[ -/]*[@-~]/g, "")
      // Every other escape.
      // eslint-disable-next-line no-control-regex
      .replace(/\u001b[ -/]*[0-~]?/g, "")
      .replace(/\r+\n/g, "\n")
      // A carriage return writes the line anew.
      .replace(/[^\n]*\r/g, (line) =>
        line.trim() === "" ? "" : `${line.replace(/\r/g, "")}\n`,
      )
      // eslint-disable-next-line no-control-regex
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f\ufffd]/g, "")
  );
}

/** The last lines that say something, each cut at the width. */
export function lastLines(text: string, count: number, width = 200): string[] {
  return stripControlSequences(text)
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== "")
    .slice(-count)
    .map((line) => (line.length > width ? `${line.slice(0, width)}...` : line));
}
