/** Where the things are that a recorded fleet uses. */
export interface RecordedPlaces {
  /** URI of the hypervisor. */
  readonly uri: string;
  /** A pool that exists, with the image in it. */
  readonly pool: { readonly name: string; readonly path: string };
  /** Name of a blank image in that pool. */
  readonly image: string;
  /** The same image as a file, relative to the folder of Pulumi.yaml. */
  readonly imageFile: string;
}

/** Key of the secret in the stack's configuration. */
export const SECRET_KEY = "recordedPasswordHash";

/**
 * A fleet that uses as much as possible of what machines can be given, so that a later version
 * cannot change one of them unseen. Its guests are blank: nothing is waited for.
 */
export function recordedFleet({
  uri,
  pool,
  image,
  imageFile,
}: RecordedPlaces): Record<string, unknown> {
  const blank = {
    hypervisor: "host",
    memoryMib: 64,
    ready: { until: "none" },
    shutdownTimeoutSeconds: 0,
  };
  const existing = { pool: { name: pool.name }, image: { name: image } };
  return {
    hypervisors: {
      host: {
        libvirt: {
          uri,
          accelerator: "tcg",
          pools: { machines: { path: `${pool.path}/machines` } },
          networks: { lan: { cidr: "10.62.0.0/25" } },
          images: { debian12: { pool: "machines", path: imageFile } },
        },
      },
    },
    machines: {
      // Shares everything, and has every field of cloud-init.
      web: {
        libvirt: {
          ...blank,
          pool: { name: "machines" },
          image: { name: "debian12" },
          network: { name: "lan" },
          vcpus: 2,
          memoryMib: 96,
          rootDisk: { sizeGib: 0.125 },
          autostart: false,
          ssh: { user: "ops", port: 2222 },
          cloudInit: {
            hostname: "web.example.com",
            users: [
              {
                name: "ops",
                sudo: true,
                groups: ["adm"],
                shell: "/bin/sh",
                passwordHash: { fromConfig: SECRET_KEY },
                sshAuthorizedKeys: ["ssh-ed25519 AAAAexample ops@example.com"],
              },
              { name: "guest" },
            ],
            packages: ["nginx-light"],
            files: [
              {
                path: "/etc/motd",
                content: "Hello\n",
                owner: "root:adm",
                mode: "0640",
              },
              { path: "/etc/issue", content: "" },
            ],
            runCommands: ["systemctl restart nginx"],
          },
          onCloudInitChange: "replace",
        },
      },
      // Shares nothing, and brings its user-data along.
      db: {
        libvirt: {
          ...blank,
          pool: { create: { path: `${pool.path}/db` } },
          image: { name: image, pool: pool.name },
          network: { create: { cidr: "10.62.0.128/25" } },
          macAddress: "52:54:00:62:00:01",
          cloudInit: { userData: "#cloud-config\npackages: [postgresql]\n" },
          onCloudInitChange: "ignore",
        },
      },
      // Brings its own image, and does not run.
      off: {
        libvirt: {
          ...blank,
          pool: { name: pool.name },
          image: { path: imageFile },
          network: { name: "lan" },
          running: false,
        },
      },
      // Has as little as possible.
      plain: {
        libvirt: { ...blank, ...existing, network: { name: "lan" } },
      },
    },
  };
}
