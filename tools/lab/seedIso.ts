import * as fs from "node:fs";
import * as path from "node:path";
import execa from "execa";

/** What a guest's cloud-init reads from its disk (data source NoCloud). */
export interface SeedFiles {
  readonly userData: string;
  readonly networkConfig: string;
  readonly metaData: string;
  readonly vendorData: string;
}

/** Writes the files as an ISO image that cloud-init finds by its label. */
export async function writeIso(
  files: SeedFiles,
  target: string,
): Promise<void> {
  const folder = fs.mkdtempSync(`${target}.d-`);
  try {
    const contents = {
      "user-data": files.userData,
      "network-config": files.networkConfig,
      "meta-data": files.metaData,
      "vendor-data": files.vendorData,
    };
    for (const [name, content] of Object.entries(contents)) {
      fs.writeFileSync(path.join(folder, name), content, { mode: 0o600 });
    }
    await execa("genisoimage", [
      ...["-quiet", "-iso-level", "3", "-J", "-R", "-V", "cidata"],
      ...["-o", target, folder],
    ]);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
