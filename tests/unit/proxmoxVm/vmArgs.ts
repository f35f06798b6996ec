/** The beginning of a private key in OpenSSH's PEM format. */
export const KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END";

export const TOKEN = "corral@pve!ci=01234567-89ab-cdef-0123-456789abcdef";

/** Every argument of a ProxmoxVm, and all of them right. */
export const GOOD = {
  endpoint: "https://pve1.example.org:8006/",
  apiToken: TOKEN,
  insecure: true,
  nodeSsh: { user: "root", privateKey: KEY, address: "10.0.0.2", port: 2222 },
  node: "pve1",
  vmId: 8101,
  pool: "ci/web",
  tags: ["web", "team_a"],
  description: "The web server.\nSecond line.",
  template: { vmId: 9000, node: "pve2", full: false },
  cores: 4,
  sockets: 2,
  cpuType: "host",
  memoryMib: 4096,
  balloonMib: 2048,
  machineType: "pc-q35-9.0+pve1",
  bios: "ovmf",
  efiDisk: { storage: "fast", type: "4m", preEnrolledKeys: true },
  tpm: { storage: "fast", version: "v2.0" },
  osType: "l26",
  rootDisk: {
    sizeGib: 20,
    storage: "fast",
    interface: "scsi0",
    discard: true,
    ssd: true,
    ioThread: true,
  },
  dataDisks: [
    { name: "data", sizeGib: 100, storage: "slow", keep: true, backup: false },
    { name: "scratch", sizeGib: 5, interface: "scsi7", keep: false },
    {
      name: "old",
      sizeGib: 10,
      adopt: "slow:vm-10023-disk-0",
    },
  ],
  networks: [
    {
      bridge: "vmbr1",
      vlan: 20,
      macAddress: "52:54:00:AB:cd:ef",
      firewall: true,
      model: "virtio",
      mtu: 9000,
      ipv4: { address: "10.0.0.5/24", gateway: "10.0.0.1" },
      ipv6: { address: "2001:db8::5/64", gateway: "2001:db8::1" },
    },
    { ipv4: { address: "dhcp" }, ipv6: { address: "auto" } },
    {},
  ],
  dns: { servers: ["10.0.0.1", "2001:db8::1"], domain: "example.org" },
  pciDevices: [{ mapping: "gpu", pcie: true, romBar: false, primaryGpu: true }],
  startOrder: { order: 3, upDelaySeconds: 10, downDelaySeconds: 20 },
  cloudInitDrive: true,
  cloudInitStorage: "local-lvm",
  account: {
    name: "operator",
    sshAuthorizedKeys: ["ssh-ed25519 AAAA me@example.org"],
    password: "not shown",
  },
  snippetStorage: "local",
  onCloudInitChange: "replace",
  ssh: { user: "operator", privateKey: KEY, port: 2222 },
  ready: { until: "cloudInit", timeoutSeconds: 600 },
  autostart: false,
  running: true,
  protection: true,
  shutdownTimeoutSeconds: 120,
  createTimeoutSeconds: 600,
};

/** The fewest that a ProxmoxVm needs, beside the access to the API. */
export const MINIMAL = { node: "pve", template: { vmId: 9000 } };
