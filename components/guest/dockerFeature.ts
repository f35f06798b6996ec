import {
  installPackagesScript,
  PACKAGE_MANAGERS,
  type PackageManager,
} from "../core/packageInstall";

/** Holds where docker answers. */
export const DOCKER_CHECK = "docker info >/dev/null";

/** What each package manager calls it, the first that it has. */
const packages: Record<PackageManager, readonly (readonly string[])[]> = {
  // Pulling images needs certificates, which minimal images lack.
  "apt-get": [["docker.io", "ca-certificates"]],
  dnf: [["moby-engine"], ["docker"]],
  zypper: [["docker"]],
  apk: [["docker"]],
};

/** Longest wait for another run of the package manager, such as cloud-init's. */
const PACKAGE_WAIT_SECONDS = 300;

/**
 * Longest time from the start of the service until docker answers. Its first start makes the
 * networks and the storage.
 */
const START_SECONDS = 120;

/**
 * A script that installs docker by the guest's own package manager, starts it now and at each boot,
 * and makes users members of its group.
 *
 * @param users login names, free of characters that mean something to a shell.
 */
export function dockerScript(users: readonly string[]): string {
  return `
if ! command -v dockerd >/dev/null; then
  manager=
  for candidate in ${PACKAGE_MANAGERS.join(" ")}; do
    if command -v "$candidate" >/dev/null; then manager=$candidate; break; fi
  done
  case $manager in
${PACKAGE_MANAGERS.map(installBranch).join("\n")}
  *)
    echo "No package manager that is known here: ${PACKAGE_MANAGERS.join(", ")}." \\
      "Install docker in the image, or by a feature of your own with a script." >&2
    exit 1 ;;
  esac
  if ! command -v dockerd >/dev/null; then
    echo "$manager has no package of docker here. Add the repository of one, or install docker by a" \\
      "feature of your own with a script." >&2
    exit 1
  fi
fi

if command -v systemctl >/dev/null; then
  systemctl enable docker.service && systemctl start docker.service || exit
elif command -v rc-update >/dev/null; then
  rc-update -q add docker default && rc-service -q docker start --ifstopped || exit
else
  echo "Neither systemd nor OpenRC is here to start docker at boot." >&2
  exit 1
fi

for user in ${users.join(" ")}; do
  if ! id "$user" >/dev/null 2>&1; then
    echo "There is no user $user in the guest: correct docker.users, or make the user by cloudInit." >&2
    exit 1
  fi
  if command -v usermod >/dev/null; then
    usermod -aG docker "$user" || exit
  else
    addgroup "$user" docker || exit
  fi
done

end=$(($(date +%s) + ${START_SECONDS}))
until said=$(docker info 2>&1 >/dev/null); do
  if [ "$(date +%s)" -ge "$end" ]; then
    printf 'docker was started and does not answer within ${START_SECONDS} s:\\n%s\\n' "$said" >&2
    if command -v journalctl >/dev/null; then
      journalctl --no-pager -u docker.service -n 8 -o cat >&2
    fi
    exit 1
  fi
  sleep 1
done
`.trim();
}

/** One package manager's branch of the `case`; each attempt is a shell of its own, as it exits. */
function installBranch(manager: PackageManager): string {
  const attempts = packages[manager].map(
    (names) =>
      `(\n${installPackagesScript(manager, names, PACKAGE_WAIT_SECONDS)}\n)`,
  );
  return `  ${manager})\n${attempts.join(" || ")} || exit ;;`;
}
