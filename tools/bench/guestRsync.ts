import execa from "execa";
import { AptRepository } from "../lab/apt/repository";
import { freePort } from "../lab/freePort";
import type { CopyPrograms } from "./copyPrograms";

/**
 * Installs rsync in a guest of the lab, which has no internet, from the lab's own packages.
 *
 * @param host address of this computer on the guest's network.
 */
export async function installRsync(
  copy: CopyPrograms,
  host: string,
  log: (line: string) => void,
): Promise<void> {
  const repository = await AptRepository.ensure(log);
  const port = await freePort();
  const served = await repository.serve(host, port);
  try {
    const run = async (command: string, input = "") => {
      const { file, args } = copy.ssh(command);
      await execa(file, [...args], { input, timeout: 300_000 });
    };
    for (const { path, content } of repository.guestFiles(
      `http://${host}:${port}`,
    )) {
      await run(
        `sudo mkdir -p "$(dirname ${path})" && sudo tee ${path} >/dev/null`,
        content,
      );
    }
    await run(
      "sudo apt-get -qq update && sudo apt-get -qq install --yes --no-install-recommends rsync",
    );
  } finally {
    served.stop();
  }
}
