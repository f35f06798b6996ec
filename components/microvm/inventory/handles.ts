/** Types of resources on a host of microVMs. */
export const TYPES = {
  machine: "corral-ops:index:MicroVmService",
  volume: "corral-ops:index:MicroVmVolume",
  lease: "corral-ops:index:MicroVmAddress",
  image: "corral-ops:index:MicroVmImage",
  network: "corral-ops:index:MicroVmNetwork",
} as const;

/** Handles of objects, as state and listing give them alike. */
export const handles = {
  machine: (name: string) => `machine:${name}`,
  volume: (machine: string, name: string) => `volume:${machine}/${name}`,
  lease: (network: string, address: string) => `lease:${network}/${address}`,
  /** One use of an image: SHA-256 and user. */
  image: (use: string) => `image:${use}`,
  network: (name: string) => `network:${name}`,
};
