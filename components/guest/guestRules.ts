import { absolutePath, eachItem, field, textForm } from "../core/argumentRules";
import { type Fault, show } from "../core/faults";
import { isRecord, isText } from "../core/later";
import { rawDeclarations, userDataFormat } from "../core/userDataFormat";

/** Arguments of a guest that are wrapped as secrets and whose values no fault shows. */
export const GUEST_SECRETS = ["privateKey", "passwordHash", "userData"];

/**
 * The rules of what all machines with a guest have in common: `cloudInit`, `ssh`, `ready` and
 * `running`. What a JSON Schema can say stands there.
 */
export function guestRules(args: Record<string, unknown>): Fault[] {
  return [
    ...cloudInitRules(args.cloudInit, args.ssh),
    ...sshRules(args.ssh),
    ...readyRules(args),
  ];
}

function cloudInitRules(cloudInit: unknown, ssh: unknown): Fault[] {
  if (!isRecord(cloudInit)) {
    return [];
  }
  return [
    ...hostname("cloudInit.hostname", cloudInit.hostname),
    ...eachItem("cloudInit.users", cloudInit.users, (path, user) =>
      userName(`${path}.name`, user.name),
    ),
    ...eachItem("cloudInit.files", cloudInit.files, (path, file) => [
      ...absolutePath(`${path}.path`, file.path),
      ...octalMode(`${path}.mode`, file.mode),
    ]),
    ...rawUserData(cloudInit),
    ...rawUserDataAccess(cloudInit.userData, ssh),
  ];
}

function sshRules(ssh: unknown): Fault[] {
  return [
    ...userName("ssh.user", field(ssh, "user")),
    ...hostKey("ssh.hostKey", field(ssh, "hostKey")),
    ...privateKey("ssh.privateKey", field(ssh, "privateKey")),
  ];
}

/** How a guest is reached by what works inside it. */
export function connectionRules(path: string, connection: unknown): Fault[] {
  return [
    ...textForm(
      `${path}.host`,
      field(connection, "host"),
      (text) => text.trim() !== "",
      "an address or a host name; a machine that was not waited for (ready.until) has none",
    ),
    ...keyRules(path, connection),
    ...bastionRules(`${path}.bastion`, field(connection, "bastion")),
  ];
}

/** A host that is gone through, and the one on the way to it. */
export function bastionRules(path: string, bastion: unknown): Fault[] {
  return bastion === undefined
    ? []
    : [
        ...keyRules(path, bastion),
        ...bastionRules(`${path}.bastion`, field(bastion, "bastion")),
      ];
}

function keyRules(path: string, connection: unknown): Fault[] {
  return [
    ...hostKey(`${path}.hostKey`, field(connection, "hostKey")),
    ...privateKey(`${path}.privateKey`, field(connection, "privateKey")),
  ];
}

function readyRules(args: Record<string, unknown>): Fault[] {
  const until = field(args.ready, "until");
  return args.running === false && isText(until) && until !== "none"
    ? [
        {
          path: "ready.until",
          problem: `is ${show(until)} for a machine with running: false, must be "none" or left out`,
        },
      ]
    : [];
}

function rawUserData(cloudInit: Record<string, unknown>): Fault[] {
  const { userData } = cloudInit;
  if (userData === undefined) {
    return [];
  }
  const others = ["users", "packages", "runCommands", "files"].filter(
    (name) => cloudInit[name] !== undefined,
  );
  const isUnknown = isText(userData) && userDataFormat(userData) === undefined;
  return [
    ...others.map((name) => ({
      path: `cloudInit.${name}`,
      problem: "is given beside userData, must be left out or stand in it",
    })),
    ...(isUnknown
      ? [
          {
            path: "cloudInit.userData",
            problem:
              "starts with none of cloud-init's headers, must start with #cloud-config, #! or another of them",
          },
        ]
      : []),
  ];
}

/** Keys that Corral would hand in, and cloud-init would drop in favour of the user's own. */
function rawUserDataAccess(userData: unknown, ssh: unknown): Fault[] {
  if (!isText(userData)) {
    return [];
  }
  const { userNames = [], hasHostKeys } = rawDeclarations(userData);
  const login = field(ssh, "user");
  const clashes =
    isText(login) &&
    userNames.includes(login) &&
    field(ssh, "privateKey") === undefined;
  return [
    ...(clashes
      ? [
          {
            path: "ssh.user",
            problem: `is ${show(login)}, a user of cloudInit.userData whom Corral cannot give a key of its own; must stand with ssh.privateKey, or be left out`,
          },
        ]
      : []),
    ...(hasHostKeys && field(ssh, "hostKey") === undefined
      ? [
          {
            path: "ssh.hostKey",
            problem:
              "is missing, must be the public host key that cloudInit.userData brings (ssh_keys)",
          },
        ]
      : []),
  ];
}

function hostKey(path: string, value: unknown): Fault[] {
  return textForm(
    path,
    value,
    (text) => /^(ssh-\S+|ecdsa-\S+) [A-Za-z0-9+/]+=*( .*)?$/.test(text),
    "a public key line like ssh-ed25519 AAAA...",
  );
}

/** A private key's text. */
export function privateKey(path: string, value: unknown): Fault[] {
  return isText(value) && !/^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(value)
    ? [
        {
          path,
          problem:
            "is no private key, must be its text in PEM format, starting with -----BEGIN",
        },
      ]
    : [];
}

/** A host name (RFC 1123, section 2.1). */
function hostname(path: string, value: unknown): Fault[] {
  const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
  return textForm(
    path,
    value,
    (text) =>
      text.length <= 253 && text.split(".").every((part) => label.test(part)),
    "a host name of letters, digits, hyphens and dots",
  );
}

/** A login name as Debian's useradd takes it. */
export function userName(path: string, value: unknown): Fault[] {
  return textForm(
    path,
    value,
    (text) => /^[a-z_][a-z0-9_-]{0,31}$/.test(text),
    "a login name of lower-case letters, digits, _ and -",
  );
}

function octalMode(path: string, value: unknown): Fault[] {
  return textForm(
    path,
    value,
    (text) => /^0?[0-7]{3,4}$/.test(text),
    "octal permissions like 0644",
  );
}
