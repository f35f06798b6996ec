/** The beginning of a private key in OpenSSH's PEM format. */
export const KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END";

/** Every argument of a LibvirtVm, and all of them right. */
export const GOOD = {
  uri: "qemu+ssh://operator@kvm1.example.org:2222/system?no_verify=0",
  vcpus: 4,
  memoryMib: 4096,
  accelerator: "kvm",
  pool: { create: { path: "/srv/pool" } },
  image: { name: "debian12", pool: "images" },
  rootDisk: { sizeGib: 20 },
  dataDisks: [
    { name: "db", sizeGib: 100, keep: false },
    { name: "logs-2", sizeGib: 0.5, keep: false, adopt: "old-kept-0123.qcow2" },
  ],
  network: { create: { cidr: "10.77.0.0/24" } },
  macAddress: "52:54:00:AB:cd:ef",
  cloudInit: {
    hostname: "web.example.org",
    users: [
      {
        name: "operator",
        sudo: true,
        groups: ["adm"],
        shell: "/bin/sh",
        sshAuthorizedKeys: ["ssh-ed25519 AAAA me"],
        passwordHash: "$6$salt$hash",
      },
    ],
    packages: ["curl"],
    runCommands: ["true"],
    files: [
      {
        path: "/etc/motd",
        content: "hello\n",
        owner: "root:root",
        mode: "0644",
      },
    ],
  },
  onCloudInitChange: "replace",
  ssh: {
    user: "operator",
    privateKey: KEY,
    hostKey: "ssh-ed25519 AAAAC3Nza+/= host",
    port: 2222,
  },
  ready: { until: "cloudInit", timeoutSeconds: 600 },
  autostart: false,
  running: true,
  shutdownTimeoutSeconds: 0,
};

/** The fewest that a LibvirtVm needs. */
export const MINIMAL = { image: { url: "https://host/debian12.qcow2" } };
