import type {
  HypervisorObject,
  Listing,
  OwnerMark,
} from "../../core/inventory/lister";
import { hostPaths, machineUnit } from "../../core/microvm/paths";
import { Answer, call, stampOf } from "../../core/microvm/scripts/hostScript";
import { namePrefix, type StackName } from "../../core/names";
import { describeOwner, type OwnershipStamp } from "../../core/stamp";
import { handles } from "./handles";

/** Prints every record on the host, who uses which image, and whose steps are at work. */
export function listScript({ root, run } = hostPaths): string {
  return `
for lock in ${call(run)}/*.lock; do
  [ -e "$lock" ] && ! flock -n "$lock" true && printf 'atWork %s\\n' "$(cut -d ' ' -f 1 "$lock")"
done
cd ${call(root)} 2>/dev/null || exit 0
for kind in machine volume lease network; do
  case $kind in
    machine) set -- machines/*/machine.json ;;
    volume) set -- volumes/*/*.json ;;
    lease) set -- networks/*/leases/* ;;
    network) set -- networks/*/network.json ;;
  esac
  for file in "$@"; do
    ! [ -f "$file" ] || printf '%s %s %s\\n' "$kind" "$file" "$(base64 -w 0 "$file")"
  done
done
for file in images/users-*/*; do ! [ -f "$file" ] || printf 'image %s\\n' "$file"; done
for folder in machines/*/; do
  [ -d "$folder" ] || continue
  name=$(basename "$folder")
  ! [ -e "$folder/arriving" ] || echo "arriving $name"
  printf 'state %s %s\\n' "$name" "$(systemctl is-active "corral-microvm-$name.service")"
done
`;
}

type MakeObject = (
  kind: string,
  name: string,
  handle: string,
  stamp: OwnershipStamp | undefined,
  more?: Partial<HypervisorObject>,
) => HypervisorObject;

/** Everything that the host's answer to {@link listScript} tells of. Pure. */
export function parseListing(stdout: string, stack: StackName): Listing {
  const answer = new Answer(stdout);
  const states = new Map(
    answer.all("state").map((line) => splitOnce(line) as [string, string]),
  );
  const records = (kind: string) =>
    answer.all(kind).map((line) => {
      const [file = "", encoded = ""] = splitOnce(line);
      const text = Buffer.from(encoded, "base64").toString();
      return { file, text, record: parsed(text), stamp: stampOf(text) };
    });
  const object: MakeObject = (kind, name, handle, stamp, more = {}) => ({
    kind,
    name,
    id: name,
    handle,
    uses: [],
    detail: "",
    ...(stamp && { owner: ownerMark(stamp, stack) }),
    ...more,
  });

  const images = answer.all("image").map((file) => imageUse(file, object));
  const machines = records("machine").map(({ file, record, stamp }) => {
    const name = file.split("/")[1] ?? "";
    const made = object("machine", name, handles.machine(name), stamp, {
      id: machineUnit(name),
      uses: [...usesOf(record), ...imagesOf(record, stamp, images)],
      detail: states.get(name) ?? "unknown",
    });
    // A move that was cut off has brought it: the next update decides.
    return made.owner && answer.all("arriving").includes(name)
      ? { ...made, owner: { ...made.owner, kept: true } }
      : made;
  });
  const volumes = records("volume").map(({ file, record, stamp }) => {
    const [, machine = "", volume = ""] = file
      .replace(/\.json$/, "")
      .split("/");
    const made = object(
      "volume",
      `${machine}/${volume}`,
      handles.volume(machine, volume),
      stamp,
      { detail: String(record.size ?? "") },
    );
    return record.keep === true && made.owner
      ? { ...made, owner: { ...made.owner, kept: true } }
      : made;
  });
  const leases = records("lease").map(({ file, record, stamp }) => {
    const [, network = "", , address = ""] = file.split("/");
    return object("lease", address, handles.lease(network, address), stamp, {
      detail: `leased by ${String(record.machine ?? "somebody")}`,
    });
  });
  const networks = records("network").map(({ file, record, stamp }) => {
    const name = file.split("/")[1] ?? "";
    return object("network", name, handles.network(name), stamp, {
      // Two networks of one name, made one after the other, are told apart by it.
      id: String(record.token ?? ""),
      detail: String(record.subnet ?? ""),
    });
  });
  return {
    objects: [...machines, ...leases, ...volumes, ...images, ...networks],
    blind: [],
    // A key is a stamp's id, and what tells its steps apart.
    atWork: answer.all("atWork").map((key) => key.slice(0, 16)),
  };
}

/** One resource's part in an image, told by the names of its file. */
function imageUse(file: string, object: MakeObject): HypervisorObject {
  const [, users = "", user = ""] = file.split("/");
  const sha256 = users.replace(/^users-/, "");
  const id = `${sha256}/${user}`;
  return {
    ...object("image", sha256.slice(0, 12), handles.image(id), undefined, {
      id,
    }),
    owner: { stampId: user.slice(0, 16), namesThisStack: false },
  };
}

/** The parts in images that a machine starts with. */
function imagesOf(
  { kernel, initrd }: Record<string, unknown>,
  stamp: OwnershipStamp | undefined,
  images: readonly HypervisorObject[],
): string[] {
  return images
    .filter(
      ({ id, owner }) =>
        owner?.stampId === stamp?.id &&
        [kernel, initrd].some((path) =>
          String(path).endsWith(`/sha256-${id.split("/")[0] ?? ""}`),
        ),
    )
    .map(({ handle }) => handle);
}

/** Whose it is, by its stamp. */
function ownerMark(stamp: OwnershipStamp, stack: StackName): OwnerMark {
  return {
    stampId: stamp.id,
    namesThisStack: namePrefix(stamp) === namePrefix(stack),
    description: describeOwner(stamp),
  };
}

/** Volumes, leases and networks of a machine. */
function usesOf(record: Record<string, unknown>): string[] {
  const disks = listOf(record.disks).flatMap(({ path }) => {
    const [, machine, volume] =
      /\/volumes\/([^/]+)\/([^/]+)\.raw$/.exec(String(path)) ?? [];
    return machine !== undefined && volume !== undefined
      ? [handles.volume(machine, volume)]
      : [];
  });
  const networks = listOf(record.interfaces).flatMap(({ network, address }) => [
    handles.lease(String(network), String(address)),
    handles.network(String(network)),
  ]);
  return [...disks, ...networks];
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? (value as Record<string, unknown>[]) : [];
}

function parsed(text: string): Record<string, unknown> {
  try {
    return (JSON.parse(text) ?? {}) as Record<string, unknown>;
  } catch {
    return {}; // Somebody edited it: nobody's then.
  }
}

function splitOnce(line: string): string[] {
  const end = line.indexOf(" ");
  return end < 0 ? [line] : [line.slice(0, end), line.slice(end + 1)];
}
