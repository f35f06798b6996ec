/** Package managers that Corral installs by in a guest, in the order in which they are looked for. */
export const PACKAGE_MANAGERS = ["apt-get", "dnf", "zypper", "apk"] as const;
export type PackageManager = (typeof PACKAGE_MANAGERS)[number];

/**
 * A script that installs packages without a question and ends the shell it runs in, with the package
 * manager's exit code. Another run of the package manager, for instance that of cloud-init, is waited
 * for.
 *
 * @param waitSeconds longest wait for the other one.
 */
export function installPackagesScript(
  manager: PackageManager,
  packages: readonly string[],
  waitSeconds: number,
): string {
  const names = packages.join(" ");
  switch (manager) {
    case "apt-get":
      return aptScript(names, waitSeconds);
    case "dnf":
      // It waits for the other one by itself, without a bound; the caller has one.
      return `dnf -y --setopt=install_weak_deps=False install ${names} </dev/null\nexit`;
    case "zypper":
      return (
        `ZYPP_LOCK_TIMEOUT=${waitSeconds} zypper --non-interactive install ` +
        `--no-recommends ${names} </dev/null\nexit`
      );
    case "apk":
      return `apk --wait ${waitSeconds} --update-cache --no-progress add ${names} </dev/null\nexit`;
  }
}

/**
 * The lists of packages are often missing, as in a fresh cloud image, or older than what the mirror
 * has: they are fetched when a package cannot be had by them. apt waits for dpkg's lock by itself
 * and for that of the lists not at all.
 */
function aptScript(names: string, waitSeconds: number): string {
  return `
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
wait="-o DPkg::Lock::Timeout=${waitSeconds}"
install() {
  apt-get $wait -y --no-install-recommends -o Dpkg::Use-Pty=0 \\
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install ${names} </dev/null
}
update() {
  end=$(($(date +%s) + ${waitSeconds}))
  until said=$(apt-get $wait -o APT::Update::Error-Mode=any update 2>&1 </dev/null); do
    case $said in
      *"Could not get lock"*) [ "$(date +%s)" -lt "$end" ] && sleep 2 && continue ;;
    esac
    printf '%s\\n' "$said" | grep -E '^(E|W|Err):?' >&2
    return 1
  done
}
install >/dev/null 2>&1 && exit
update || echo "The lists of packages could not all be fetched." >&2
install >/dev/null
exit`;
}
