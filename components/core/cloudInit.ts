import { guestYaml } from "./guestYaml";
import { rawDeclarations, userDataFormat } from "./userDataFormat";

/** A user made by cloud-init, once the values are known. */
export interface CloudInitUserSpec {
  readonly name: string;
  readonly sshAuthorizedKeys?: readonly string[];
  readonly sudo?: boolean;
  readonly groups?: readonly string[];
  readonly shell?: string;
  readonly passwordHash?: string;
}

/** A file written by cloud-init, once the values are known. */
export interface CloudInitFileSpec {
  readonly path: string;
  readonly content: string;
  readonly owner?: string;
  readonly mode?: string;
}

/** What the user declares about the guest's first boot. */
export interface CloudInitSpec {
  readonly hostname?: string;
  readonly users?: readonly CloudInitUserSpec[];
  readonly packages?: readonly string[];
  readonly runCommands?: readonly string[];
  readonly files?: readonly CloudInitFileSpec[];
  /** Raw user-data in any of cloud-init's formats, instead of all fields above but `hostname`. */
  readonly userData?: string;
  /** File systems of disks that Corral attaches. */
  readonly mounts?: readonly CloudInitMountSpec[];
}

/** A file system that cloud-init mounts, now and at each boot. */
export interface CloudInitMountSpec {
  /** Its label, or the tag of a shared folder. */
  readonly label: string;
  readonly mountPoint: string;
  readonly readOnly: boolean;
  /** Whether it is a folder that the host shares by virtio-fs. Default: an ext4 file system. */
  readonly isShared?: boolean;
}

/** What Corral adds: the host key it pins and the key it comes in with. */
export interface GuestAccess {
  /** The guest's ssh host key, made beforehand; left out when the user brings one of their own. */
  readonly hostKey?: {
    readonly privateKey: string;
    readonly publicKey: string;
  };
  /** Key that Corral logs in with, authorized for `user`. */
  readonly login?: { readonly user: string; readonly publicKey: string };
}

/** How the comments of login keys begin that Corral made: by this they are told from a user's own. */
export const LOGIN_KEY_COMMENT = "corral to";

/** Name of a guest's first interface. */
const INTERFACE = "eth0";
const CLOUD_CONFIG_HEADER = "#cloud-config\n";
/** Separates the parts of multi-part user-data; fixed, so that the same input renders the same text. */
const MIME_BOUNDARY = "==corral-user-data==";

/**
 * Renders user-data (https://cloudinit.readthedocs.io/en/latest/reference/modules.html).
 * Raw user-data is kept as it is, in a multi-part archive beside Corral's own part.
 */
export function renderUserData(
  spec: CloudInitSpec,
  access: GuestAccess,
): string {
  if (spec.userData === undefined) {
    return cloudConfig({
      ...declaredConfig(spec, access),
      ...hostKeyConfig(access),
    });
  }
  const own = {
    ...hostKeyConfig(access),
    ...loginConfig(spec.userData, access),
    ...mountConfig(spec),
  };
  if (Object.keys(own).length === 0) {
    return spec.userData;
  }
  return mimeArchive([
    spec.userData,
    cloudConfig({ ...own, merge_how: APPEND_LISTS }),
  ]);
}

/**
 * How cloud-init merges Corral's part into the one before it: lists of both are kept, otherwise the
 * last part's `users` would win alone
 * (https://cloudinit.readthedocs.io/en/latest/reference/merging.html).
 */
const APPEND_LISTS = [
  { name: "list", settings: ["append"] },
  { name: "dict", settings: ["no_replace", "recurse_list"] },
];

function declaredConfig(
  spec: CloudInitSpec,
  access: GuestAccess,
): Record<string, unknown> {
  return withoutUndefined({
    hostname: spec.hostname,
    preserve_hostname: spec.hostname === undefined ? undefined : false,
    // An empty list would take away the image's own user, and cloud-init warns of it.
    users: nonEmpty(renderUsers(spec.users ?? [], access)),
    ssh_pwauth: false,
    package_update: spec.packages?.length ? true : undefined,
    packages: nonEmpty(spec.packages),
    write_files: nonEmpty(spec.files)?.map((file) =>
      withoutUndefined({
        path: file.path,
        content: file.content,
        owner: file.owner,
        permissions: file.mode,
        // cloud-init writes files before it makes users; one that a user shall own has to wait.
        defer: ownedByUser(file) ? true : undefined,
      }),
    ),
    runcmd: nonEmpty(spec.runCommands),
    ...mountConfig(spec),
  });
}

function mountConfig({ mounts }: CloudInitSpec): Record<string, unknown> {
  return withoutUndefined({
    mounts: nonEmpty(mounts)?.map(
      ({ label, mountPoint, readOnly, isShared }) => [
        isShared ? label : `/dev/disk/by-label/${label}`,
        mountPoint,
        isShared ? "virtiofs" : "ext4",
        // A guest whose disk is damaged still boots, and can be looked at.
        `${readOnly ? "ro" : "rw"},nofail`,
        "0",
        readOnly || isShared ? "0" : "2",
      ],
    ),
  });
}

function ownedByUser({ owner }: CloudInitFileSpec): boolean {
  return owner !== undefined && !/^root(:root)?$/.test(owner);
}

function renderUsers(
  users: readonly CloudInitUserSpec[],
  { login }: GuestAccess,
): unknown[] {
  const declared =
    login === undefined || users.some((user) => user.name === login.user)
      ? users
      : [...users, { name: login.user, sudo: true }];
  return declared.map((user) =>
    withoutUndefined({
      name: user.name,
      groups: nonEmpty(user.groups),
      shell: user.shell ?? "/bin/bash",
      sudo: user.sudo ? "ALL=(ALL) NOPASSWD:ALL" : undefined,
      lock_passwd: user.passwordHash === undefined,
      passwd: user.passwordHash,
      ssh_authorized_keys: nonEmpty([
        ...(user.sshAuthorizedKeys ?? []),
        ...(login?.user === user.name ? [login.publicKey] : []),
      ]),
    }),
  );
}

function hostKeyConfig({ hostKey }: GuestAccess): Record<string, unknown> {
  if (hostKey === undefined) {
    return {};
  }
  return {
    ssh_deletekeys: true,
    // With it cloud-init makes no host keys itself: that costs seconds, and nobody pins them.
    ssh_keys: {
      ed25519_private: hostKey.privateKey,
      ed25519_public: hostKey.publicKey,
    },
  };
}

/** Raw user-data that says nothing of users keeps the image's own one, as without Corral's part. */
function loginConfig(
  userData: string,
  { login }: GuestAccess,
): Record<string, unknown> {
  if (login === undefined) {
    return {};
  }
  const imageUser =
    rawDeclarations(userData).userNames === undefined ? ["default"] : [];
  return { users: [...imageUser, ...renderUsers([], { login })] };
}

/**
 * Renders NoCloud's meta-data
 * (https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html).
 *
 * @param instanceId cloud-init runs its per-instance part anew only when this changes.
 */
export function renderMetaData(instanceId: string, hostname: string): string {
  return guestYaml({ "instance-id": instanceId, "local-hostname": hostname });
}

/**
 * Renders version 2 network configuration: DHCP on the interface with this MAC address
 * (https://cloudinit.readthedocs.io/en/latest/reference/network-config-format-v2.html).
 * The client identifies itself by its MAC address, so that a replaced machine is given its old
 * address again. The name is set, because images without netplan or NetworkManager configure the
 * interface of that name.
 */
export function renderNetworkConfig(
  macAddress: string,
  { useDomains = false } = {},
): string {
  return guestYaml({
    version: 2,
    ethernets: {
      [INTERFACE]: {
        match: { macaddress: macAddress },
        "set-name": INTERFACE,
        dhcp4: true,
        "dhcp-identifier": "mac",
        ...(useDomains ? { "dhcp4-overrides": { "use-domains": true } } : {}),
      },
    },
  });
}

/** An interface with an address of its own, as long as the guest lives. */
export interface StaticInterface {
  readonly mac: string;
  readonly address: string;
  readonly prefix: number;
  readonly gateway: string;
}

/** Renders version 2 network configuration without DHCP; the first interface's gateway is the way out. */
export function renderStaticNetworkConfig(
  interfaces: readonly StaticInterface[],
): string {
  return guestYaml({
    version: 2,
    ethernets: Object.fromEntries(
      interfaces.map(({ mac, address, prefix, gateway }, index) => [
        `eth${index}`,
        withoutUndefined({
          match: { macaddress: mac },
          "set-name": `eth${index}`,
          addresses: [`${address}/${prefix}`],
          routes: index === 0 ? [{ to: "0.0.0.0/0", via: gateway }] : undefined,
        }),
      ]),
    ),
  });
}

function cloudConfig(config: Record<string, unknown>): string {
  return CLOUD_CONFIG_HEADER + guestYaml(config);
}

/** A multi-part archive (RFC 2046). */
function mimeArchive(parts: readonly string[]): string {
  return [
    `Content-Type: multipart/mixed; boundary="${MIME_BOUNDARY}"`,
    "MIME-Version: 1.0",
    "",
    ...parts.flatMap((part) => [`--${MIME_BOUNDARY}`, mimePart(part)]),
    `--${MIME_BOUNDARY}--`,
    "",
  ].join("\n");
}

function mimePart(part: string): string {
  const format = userDataFormat(part);
  if (format?.isArchive) {
    return part.trimStart();
  }
  return [
    `Content-Type: ${format?.mimeType ?? "text/plain"}; charset="utf-8"`,
    "MIME-Version: 1.0",
    "Content-Transfer-Encoding: base64",
    "",
    Buffer.from(part).toString("base64"),
    "",
  ].join("\n");
}

function nonEmpty<T>(
  items: readonly T[] | undefined,
): readonly T[] | undefined {
  return items?.length ? items : undefined;
}

function withoutUndefined(
  record: Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== undefined),
  );
}
