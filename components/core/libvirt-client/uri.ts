/** The parts of a libvirt connection URI. Source: libvirt.org/uri.html */
export interface LibvirtUri {
  /** As it was given. */
  readonly text: string;
  /** Hypervisor driver, for instance `qemu`, `test`, `lxc`. */
  readonly driver: string;
  /** How a remote daemon is reached; `undefined`: it is on this machine. */
  readonly transport: string | undefined;
  readonly user: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** With its leading slash, for instance `/system`. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

export const uriForm =
  'allowed are libvirt URIs such as "qemu:///system" or ' +
  '"qemu+ssh://user@host/system?keyfile=/path/to/key"';

/** Throws, with what is allowed, if the text is not a connection URI. */
export function parseLibvirtUri(text: string): LibvirtUri {
  const match =
    /^([a-z][a-z0-9]*)(?:\+([a-z0-9]+))?:\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/i.exec(
      text,
    );
  if (!match) {
    throw new Error(`"${text}" is not a libvirt URI; ${uriForm}`);
  }
  const [, driver = "", transport, authority = "", path = "", query = ""] =
    match;
  const parts = /^(?:([^@]*)@)?(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(authority);
  if (!parts) {
    throw new Error(
      `"${text}" is not a libvirt URI: "${authority}" is not a host; ${uriForm}`,
    );
  }
  const [, user, host = "", port] = parts;
  if (transport === "ssh" && host === "") {
    throw new Error(`"${text}" names no host to reach by ssh; ${uriForm}`);
  }
  return {
    text,
    driver,
    transport: transport ?? (host === "" ? undefined : "tls"),
    user: user ? decodeURIComponent(user) : undefined,
    host: host === "" ? undefined : host.replace(/^\[|\]$/g, ""),
    port: port === undefined ? undefined : Number(port),
    path,
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

/** True if the daemon is on another machine. */
export function isRemote(uri: LibvirtUri): boolean {
  return uri.host !== undefined;
}

/**
 * The URI as virsh gets it. By ssh it must never stop to ask for a password, so libvirt is told
 * that there is no terminal (`no_tty`, which makes it pass BatchMode to ssh).
 */
export function virshUri(uri: LibvirtUri): string {
  if (uri.transport !== "ssh" || "no_tty" in uri.query) {
    return uri.text;
  }
  return `${uri.text}${uri.text.includes("?") ? "&" : "?"}no_tty=1`;
}
