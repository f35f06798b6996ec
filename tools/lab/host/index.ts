import * as path from "node:path";

import type { LabStatus } from "..";
import { ensureTinyGuest } from "./images";
import { LabHost } from "./labHost";

/** The host of `npm run lab -- up host`. */
const NAME = "corral-lab";
/** Where it has the tiny guest's files. */
const GUEST_FOLDER = "/srv/tiny-guest";

/** Brings the lab's host up, and says in words for people how to use it. */
export async function hostUp(): Promise<string> {
  const host =
    LabHost.open(NAME) ?? (await LabHost.start({ name: NAME, outlives: true }));
  if (!host.isRunning) {
    await host.boot();
  }
  const guest = await ensureTinyGuest();
  host.put(guest.kernel, `${GUEST_FOLDER}/vmlinuz`);
  host.put(guest.initrd, `${GUEST_FOLDER}/initrd.img`);
  const knownHosts = path.join(host.folder, "known_hosts");
  return [
    `Host:  ssh -i ${path.join(host.folder, "key")} -o UserKnownHostsFile=${knownHosts} root@${host.address}`,
    `Guest: kernel and initrd in ${GUEST_FOLDER} on the host; kernel arguments: ${guest.kernelArguments}`,
  ].join("\n");
}

/** Removes the lab's host; nothing where there is none. */
export async function hostDown(): Promise<void> {
  await LabHost.open(NAME)?.remove();
}

export function hostStatus(): LabStatus {
  const host = LabHost.open(NAME);
  const isUp = host?.isRunning ?? false;
  const state = isUp
    ? `runs, reached at ${host?.address ?? ""}`
    : host === undefined
      ? "none"
      : "is switched off";
  return { up: isUp, parts: [{ part: "host", state, ok: isUp }] };
}
