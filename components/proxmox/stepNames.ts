/** A share, as far as its resource's name depends on it. */
interface NamedShare {
  readonly guestPath: unknown;
}

/**
 * What the resources of a machine's NFS mounts are called: after the path in the guest, so that a
 * share that comes or goes renames no other one.
 */
export function mountNames(shares: readonly NamedShare[]): string[] {
  const given = new Map<string, number>();
  return shares.map(({ guestPath }) => {
    const plain = slug(String(guestPath));
    const times = (given.get(plain) ?? 0) + 1;
    given.set(plain, times);
    return times === 1 ? plain : `${plain}-${times}`;
  });
}

/** `/srv/data` is `srv-data`. */
function slug(guestPath: string): string {
  return (
    guestPath
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "") || "root"
  );
}
