import { isIP } from "node:net";
import { textForm } from "./argumentRules";
import { type Fault, joinPath, show } from "./faults";
import { isRecord, isText } from "./later";

/** Options that Corral sets itself: a guest boots without the share, and mounts it after the network. */
export const OWN_MOUNT_OPTIONS: readonly string[] = ["nofail", "_netdev"];

/** Options that say another thing than "mounted, now and after each boot". */
const NOT_A_PLAIN_MOUNT: readonly string[] = [
  "noauto",
  "x-systemd.automount",
  "bg",
  "remount",
  "bind",
  "rbind",
  "move",
];

/** Folders that a guest cannot do without. */
const SYSTEM_FOLDERS =
  /^(\/|\/(bin|boot|dev|etc|lib|lib32|lib64|proc|run|sbin|sys|usr|var)|\/(dev|proc|sys)\/.*)$/;

/** What is wrong with a share's `server`, `hostPath`, `guestPath` and `options`. `LATER` passes. */
export function nfsShareRules(path: string, share: unknown): Fault[] {
  if (!isRecord(share)) {
    return [];
  }
  const at = (name: string) => joinPath(path, name);
  return [
    ...textForm(
      at("server"),
      share.server,
      isServer,
      "a host name, an IPv4 address or an IPv6 address",
    ),
    ...textForm(
      at("hostPath"),
      share.hostPath,
      isPlainPath,
      "an absolute path without . .. // and control characters, and without a / at its end",
    ),
    ...guestPath(at("guestPath"), share.guestPath),
    ...(Array.isArray(share.options)
      ? share.options.flatMap((option, index) =>
          optionRules(`${at("options")}[${index}]`, option),
        )
      : []),
  ];
}

/** What is wrong with the shares of one guest, each and together. */
export function nfsSharesRules(path: string, shares: unknown): Fault[] {
  if (!Array.isArray(shares)) {
    return [];
  }
  const paths = shares.map((share) =>
    isRecord(share) ? share.guestPath : undefined,
  );
  return shares.flatMap((share, index) => {
    const first = paths.indexOf(paths[index]);
    return [
      ...nfsShareRules(`${path}[${index}]`, share),
      ...(isText(paths[index]) && first < index
        ? [
            {
              path: `${path}[${index}].guestPath`,
              problem: `is ${show(paths[index])} as in ${path}[${first}], must be another path`,
            },
          ]
        : []),
    ];
  });
}

/** What mount(8) calls the share: `server:/path`, an IPv6 address in brackets. */
export function nfsSource(server: string, hostPath: string): string {
  const bare = server.replace(/^\[(.*)\]$/, "$1");
  return `${bare.includes(":") ? `[${bare}]` : bare}:${hostPath}`;
}

/** A share as mount(8) calls it; undefined for what is none. */
export function parseNfsSource(
  source: string,
): { server: string; hostPath: string } | undefined {
  const found = /^(?:\[([^\]]+)\]|([^:/]+)):(\/.*)$/.exec(source);
  return found
    ? { server: found[1] ?? found[2] ?? "", hostPath: found[3] ?? "" }
    : undefined;
}

function isServer(text: string): boolean {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  if (isIP(bare) === 6) {
    return true;
  }
  const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;
  return (
    bare === text &&
    text.length <= 253 &&
    (isIP(text) === 4 ||
      // What looks like an address and is none was not meant as a name.
      (!/^[\d.]+$/.test(text) &&
        text.split(".").every((part) => label.test(part))))
  );
}

function isPlainPath(text: string): boolean {
  const parts = text.split("/").slice(1);
  return (
    text === "/" ||
    (text.startsWith("/") &&
      !/\p{Cc}/u.test(text) &&
      Buffer.byteLength(text) < 4096 &&
      parts.every(
        (part) =>
          !["", ".", ".."].includes(part) && Buffer.byteLength(part) <= 255,
      ))
  );
}

function guestPath(path: string, value: unknown): Fault[] {
  const wrongForm = textForm(
    path,
    value,
    isPlainPath,
    "an absolute path without . .. // and control characters, and without a / at its end",
  );
  return wrongForm.length > 0
    ? wrongForm
    : textForm(
        path,
        value,
        (text) => !SYSTEM_FOLDERS.test(text),
        "a folder of its own, none that the system of the guest lives in",
      );
}

function optionRules(path: string, option: unknown): Fault[] {
  const form = textForm(
    path,
    option,
    (text) => /^[!-~]+$/.test(text) && !/[,"'\\#]/.test(text),
    "one mount option such as ro or vers=4.2, without spaces, commas and quotes",
  );
  if (form.length > 0 || !isText(option)) {
    return form;
  }
  const name = option.split("=")[0] ?? "";
  if (OWN_MOUNT_OPTIONS.includes(name)) {
    return [{ path, problem: `is ${show(option)}, which Corral always sets` }];
  }
  if (name === "comment") {
    return [
      {
        path,
        problem: `is ${show(option)}, must be left out: Corral marks its own lines by it`,
      },
    ];
  }
  return NOT_A_PLAIN_MOUNT.includes(name)
    ? [
        {
          path,
          problem: `is ${show(option)}, must be left out: Corral mounts at once and at each boot, and sees that it is so`,
        },
      ]
    : [];
}
