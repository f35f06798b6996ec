import {
  absolutePath,
  eachItem,
  knownNow,
  textForm,
} from "../core/argumentRules";
import { type Fault, show } from "../core/faults";
import { isText } from "../core/later";

/** Its characters mean nothing to systemd or to a hypervisor. */
export function hostPath(path: string, value: unknown): Fault[] {
  return textForm(
    path,
    value,
    (text) => /^\/[A-Za-z0-9_./:@+-]*$/.test(text),
    "an absolute path of letters, digits and _ . / : @ + -",
  );
}

/** Folders of the host that a guest shares. */
export function sharedFolderRules(folders: unknown): Fault[] {
  const names = new Set<string>();
  return eachItem("sharedFolders", folders, (path, folder) => {
    const { name } = folder;
    const isTwice = isText(name) && names.has(name);
    if (isText(name)) {
      names.add(name);
    }
    return [
      ...knownNow(`${path}.name`, name),
      ...textForm(
        `${path}.name`,
        name,
        (text) => /^[a-z][a-z0-9-]{0,15}$/.test(text),
        "1 to 16 lower-case letters, digits and hyphens, starting with a letter",
      ),
      ...(isTwice
        ? [
            {
              path: `${path}.name`,
              problem: `is ${show(name)}, must be another than that of the folders before`,
            },
          ]
        : []),
      ...hostPath(`${path}.hostPath`, folder.hostPath),
      ...absolutePath(`${path}.mountPoint`, folder.mountPoint),
    ];
  });
}
