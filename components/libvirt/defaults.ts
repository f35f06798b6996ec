/** The URI that libvirt's own tools use when none is given and they run as root. */
export const DEFAULT_URI = "qemu:///system";

/** The pool that libvirt's own tools take when none is named. */
export const DEFAULT_POOL = "default";
