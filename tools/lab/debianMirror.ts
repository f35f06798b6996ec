/** The suites that a guest is built from. */
const suites = ["bookworm", "bookworm-updates", "bookworm-security"];

/** The format asked of `apt-get indextargets` for {@link sourceLines}. */
export const indexTargetsFormat =
  "$(REPO_URI)|$(RELEASE)|$(CODENAME)|$(ORIGIN)|$(COMPONENT)";

/**
 * Lines of a sources.list for building a Debian 12 guest: where this machine's apt gets Debian 12
 * from (it may be a mirror). None where its apt knows no Debian 12: mmdebstrap then takes Debian's
 * own servers.
 *
 * @param indexTargets output of `apt-get indextargets` in {@link indexTargetsFormat}.
 */
export function sourceLines(indexTargets: string): string[] {
  const known = indexTargets
    .split("\n")
    .map((line) => line.split("|"))
    .filter(([, , , origin, component]) => {
      return origin === "Debian" && component === "main";
    });
  return suites.flatMap((suite) => {
    const uri = known.find(([, , codename]) => codename === suite)?.[0];
    return uri === undefined ? [] : [`deb ${uri} ${suite} main`];
  });
}

/** Settings without which apt does not reach its servers here: proxies, authorities, clocks. */
const passedOn =
  /^Acquire::(https?::(.*::)?(Proxy|CaInfo|CaPath|Verify-Peer|Verify-Host)|Check-Valid-Until|Check-Date|Retries)$/i;

/**
 * The settings of this machine's apt that the building of a guest needs too, as apt.conf lines.
 *
 * @param dump output of `apt-config dump`, lines like `Acquire::Retries "3";`.
 */
export function passedOnSettings(dump: string): string[] {
  return dump
    .split("\n")
    .map((line) => line.trim())
    .filter(
      (line) =>
        passedOn.test(line.split(/[\s"]/)[0] ?? "") && !line.endsWith('"";'),
    );
}
