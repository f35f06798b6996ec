import * as fs from "node:fs";
import * as path from "node:path";
import { corralHome } from "../core/home";

/** What the program takes from the embedded lab, as `npm run lab -- up libvirt` wrote it down. */
export interface EmbeddedLab {
  readonly uri: string;
  readonly accelerator: "kvm" | "tcg";
  readonly pool: string;
  /** Name of the guest image's volume in the pool. */
  readonly image: string;
}

/**
 * Reads the embedded lab's description.
 *
 * @throws when the lab is not up, with the command that brings it up.
 */
export function readEmbeddedLab(home: string = corralHome()): EmbeddedLab {
  const file = path.join(home, "lab", "libvirt.json");
  if (!fs.existsSync(file)) {
    throw new Error(
      `the fleet uses the embedded lab (embeddedLab: true), and it is not up; bring it up by: npm run lab -- up libvirt`,
    );
  }
  return JSON.parse(fs.readFileSync(file, "utf8")) as EmbeddedLab;
}
