/**
 * Settings of the provider that no argument changes. Each of them is a trap when it is another, and
 * some power-cycle the machine when they change (docs/decisions/proxmox-fixed-settings.md).
 */

/**
 * The guest agent is on, so that Proxmox VE shuts down and freezes by it. The provider's own wait
 * for addresses is over before it begins: otherwise it is silent, lasts a quarter of an hour and
 * is done again at every refresh.
 */
export const AGENT = { enabled: true, timeout: "0s", trim: false };

/** With more, the second attempt takes a stranger's machine of this VM id for its own. */
export const CLONE_RETRIES = 1;

export const FIXED = {
  agent: AGENT,
  /** Where the machine was moved to another node, bring it back instead of making it anew. */
  migrate: true,
  /** Changes that need it restart the machine; without, they wait silently for somebody to do so. */
  rebootAfterUpdate: true,
  reboot: false,
  stopOnDestroy: false,
  timeoutStartVm: 300,
  timeoutStopVm: 120,
  timeoutReboot: 300,
  timeoutMigrate: 1800,
};

export const DEFAULT_STORAGE = "local-lvm";
export const DEFAULT_SNIPPET_STORAGE = "local";
export const DEFAULT_BRIDGE = "vmbr0";
export const DEFAULT_CPU_TYPE = "x86-64-v2-AES";
export const DEFAULT_ROOT_INTERFACE = "scsi0";
export const DEFAULT_SHUTDOWN_SECONDS = 60;
export const DEFAULT_CREATE_SECONDS = 1800;
