import { volumePaths } from "../paths";
import type { HostPaths } from "../paths";
import { formatBytes } from "../../units";
import type { OwnershipStamp } from "../../stamp";

import { call, hiddenNew, recordText } from "./hostScript";

export interface VolumeWish {
  readonly stamp: OwnershipStamp;
  /** The machine's name on the host. */
  readonly machine: string;
  /** At most 16 characters: the label of its file system too. */
  readonly volume: string;
  /** At least this; left out: as large as the image. */
  readonly sizeBytes?: number | undefined;
  readonly keep: boolean;
  /** An image on the host whose copy it becomes; left out: an empty ext4 file system. */
  readonly image?: string | undefined;
  /** A kept volume to take up instead of making one: `MACHINE/VOLUME`. */
  readonly adopt?: string | undefined;
}

/**
 * Makes the volume, goes on with one that an earlier run of the same machine began, or takes up a
 * kept one. A file that was lost is not made again. Prints `file PATH` and `size BYTES`.
 */
export function makeScript(wish: VolumeWish, host: HostPaths): string {
  const { machine, volume, sizeBytes = 0, stamp } = wish;
  const paths = volumePaths(machine, volume, host);
  return `
${call("lock", paths.lock, stamp.id)}
file=${call(paths.file)} partial=${call(paths.partial)} record=${call(paths.record)} size=${sizeBytes}
# Nothing stays of a volume that cannot be made.
give_up() {
  rm -f "$partial" "$record"
  rmdir "\${file%/*}" 2>/dev/null
  ${call("rm", "-f", paths.lock)}
  refuse "$1"
}
${call("mkdir", "-p", paths.folder)} || refuse "the folder of the volume cannot be made"
if [ -e "$file" ] && ! [ -e "$record" ]; then refuse "$file is there and carries no stamp: move it away, or give it as the volume's image"; fi
${wish.adopt === undefined ? ownScript(stamp) : adoptScript(wish, wish.adopt, host)}
if [ -e "$record" ] && ! [ -e "$file" ] && grep -qF '"state": "made"' "$record"; then
  refuse ${call(missingText(paths))}
fi
if ! [ -e "$file" ]; then
${fileScript(wish)}
fi
put "$record" 644 ${call(volumeRecord(wish, "made"))}
${growAndTell}`;
}

/**
 * Makes the volume larger, and notes whether it is to keep. One whose file was lost is made anew only
 * where somebody has taken its record away too: `anew yes` is printed then.
 */
export function updateScript(wish: VolumeWish, host: HostPaths): string {
  const { machine, volume, sizeBytes = 0, stamp } = wish;
  const paths = volumePaths(machine, volume, host);
  return `
${call("lock", paths.lock, stamp.id)}
file=${call(paths.file)} partial=${call(paths.partial)} record=${call(paths.record)} size=${sizeBytes}
give_up() { rm -f "$partial" "$record"; refuse "$1"; }
${ownScript(stamp)}
if ! [ -e "$file" ]; then
  # Without their folder it is the host's disk that is missing, and nobody's decision.
  if ! [ -d ${call(paths.folder)} ] || grep -qsE '"state": "made"|"move": ' "$record"; then refuse ${call(missingText(paths))}; fi
${fileScript(wish)}
  echo "anew yes"
fi
put "$record" 644 ${call(volumeRecord(wish, "made"))}
${growAndTell}`;
}

/** Prints `volume there`, `missing`, `other` or `none`, and `size BYTES`. */
export function lookScript(
  { machine, volume, stamp }: Pick<VolumeWish, "machine" | "volume" | "stamp">,
  host: HostPaths,
): string {
  const { file, record } = volumePaths(machine, volume, host);
  return `
file=${call(file)} record=${call(record)}
if ! [ -e "$file" ]; then echo "volume missing"
elif [ "$(owner "$record")" = ${call(stamp.id)} ]; then echo "volume there"
else echo "volume other"
fi
! [ -e "$file" ] || echo "size $(stat -c %s "$file")"
! grep -qsE '"move": "[0-9a-f]+"' "$record" || echo "moving yes"
`;
}

/** A volume, and whose it is. */
export interface VolumeOwner extends Pick<VolumeWish, "machine" | "volume"> {
  readonly stamp: Pick<OwnershipStamp, "id">;
}

/** Takes the volume away, if it is ours. */
export function removeScript(
  { machine, volume, stamp }: VolumeOwner,
  host: HostPaths,
): string {
  const { file, partial, record, lock } = volumePaths(machine, volume, host);
  return `
${call("lock", lock, stamp.id)}
${call("rm", "-f", hiddenNew(record))}
if [ "$(${call("owner", record)})" = ${call(stamp.id)} ]; then
  ${call("rm", "-f", file, partial)} && ${call("rm", "-f", record)}
fi
${emptyVolumeFoldersGone(machine, host)}
${call("rm", "-f", lock)}
rmdir ${call(host.run)} 2>/dev/null
exit 0
`;
}

/**
 * Removes the folder of a machine's volumes, and that of all volumes, where nothing is in them: each by
 * itself, since a removal may have been cut off between them.
 */
export function emptyVolumeFoldersGone(
  machine: string,
  host: HostPaths,
): string {
  const { folder } = volumePaths(machine, "", host);
  return `${call("rmdir", folder, `${host.root}/volumes`)} 2>/dev/null`;
}

/** What to say of a volume that is gone. */
export function missingText({
  file,
  record,
}: Pick<ReturnType<typeof volumePaths>, "file" | "record">): string {
  return (
    `the volume ${file} is missing: it is never made anew on its own, its data would be lost unseen. ` +
    `Bring the file back; or, to begin with a new one, remove ${record} on the host too, and run up --refresh`
  );
}

function ownScript({ id }: OwnershipStamp): string {
  return `own "$record" ${call(id)}`;
}

/** Wherever a run is cut off, the next one finds the volume where it was, or with its new record. */
function adoptScript(wish: VolumeWish, adopt: string, host: HostPaths): string {
  const { id } = wish.stamp;
  const [machine = "", volume = ""] = adopt.split("/");
  const from = volumePaths(machine, volume, host);
  return `
from=${call(from.file)} noted=${call(from.record)}
if ! { [ -e "$file" ] && [ "$(owner "$record")" = ${call(id)} ]; }; then
  [ -e "$from" ] || refuse ${call(`there is no volume ${adopt} to adopt: ${from.file} is missing`)}
  [ -e "$noted" ] && ! grep -qF '"keep": true' "$noted" &&
    refuse ${call(`${adopt} is no volume that was kept`)}
  machine_there=${call(`${host.root}/machines/${machine}/machine.json`)}
  if [ "$from" != "$file" ]; then
    ! [ -e "$machine_there" ] || refuse ${call(`${adopt} is in use by the machine ${machine}`)}
    ! [ -e "$file" ] || own "$record" ${call(id)}
    put "$record" 644 ${call(volumeRecord(wish, "making"))}
    mv "$from" "$file" || refuse "$from cannot be moved"
  fi
fi
if [ "$from" != "$file" ] && ! [ -e "$from" ]; then rm -f "$noted"; rmdir "\${from%/*}" 2>/dev/null; fi`;
}

/** Makes the volume's file, whole or not at all. */
function fileScript(wish: VolumeWish): string {
  const { volume, image } = wish;
  return `
  put "$record" 644 ${call(volumeRecord(wish, "making"))}
  rm -f "$partial"
  ${image === undefined ? emptyScript(volume) : copyScript(image)}
  chmod 600 "$partial" && sync "$partial" && mv "$partial" "$file" || refuse "$file cannot be kept"`;
}

/** Formatted in a file that is not the volume yet. */
function emptyScript(label: string): string {
  return `
  truncate -s "$size" "$partial" || give_up "$partial cannot be made"
  said=$(${call("mkfs.ext4", "-q", "-F", "-m", "0", "-L", label)} "$partial" 2>&1) || give_up "mkfs.ext4: $said"`;
}

/** Raw as it is; qcow2, which hypervisors of microVMs do not read, is unpacked. */
function copyScript(image: string): string {
  return `
  image=${call(image)}
  [ -r "$image" ] || give_up "the image $image cannot be read"
  if [ "$(head -c 3 "$image")" = QFI ]; then
    said=$(qemu-img convert -O raw "$image" "$partial" 2>&1) || give_up "qemu-img: $said"
  else
    said=$(cp --sparse=always --reflink=auto "$image" "$partial" 2>&1) || give_up "$said"
  fi
  found=$(stat -c %s "$partial")
  if [ "$size" -gt 0 ] && [ "$found" -gt "$size" ]; then
    give_up "the image has $found bytes, more than the volume's $size: ask for a larger one"
  fi`;
}

const growAndTell = `
[ "$(stat -c %s "$file")" -ge "$size" ] || truncate -s "$size" "$file" || refuse "$file cannot grow"
echo "file $file"
echo "size $(stat -c %s "$file")"
`;

function volumeRecord(wish: VolumeWish, state: "making" | "made"): string {
  const { stamp, machine, volume, keep, sizeBytes } = wish;
  return recordText(stamp, {
    machine,
    volume,
    keep,
    size:
      sizeBytes === undefined ? "that of its image" : formatBytes(sizeBytes),
    state,
  });
}
