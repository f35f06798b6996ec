/** A part of the page of benchmarks that one measurement writes. */
export type Section =
  | "setup cold"
  | "setup warm"
  | "guest"
  | "machines"
  | "proxmox"
  | "microvm"
  | "kubevirt"
  | "injection"
  | "injection guest";

const BEGIN = (section: Section) => `<!-- measured: ${section} -->`;
const END = "<!-- end -->";

/** How each part is measured, where it has not been yet. */
const COMMANDS: Readonly<Record<Section, string>> = {
  "setup cold": "npm run bench -- --cold --write",
  "setup warm": "npm run bench -- --write",
  guest: "npm run bench -- --guests --write",
  machines: "npm run bench -- --write",
  proxmox: "npm run bench -- --write",
  microvm: "npm run bench -- --only microvm --write",
  kubevirt: "npm run bench -- --only kubevirt --write",
  injection: "npm run bench -- --write",
  "injection guest": "npm run bench -- --guests --write",
};

/**
 * Puts what was measured into the page. Parts that were not measured this time stay as they are.
 *
 * @param page the page as it is; undefined where there is none.
 */
export function renderPage(
  page: string | undefined,
  measured: ReadonlyMap<Section, string>,
): string {
  return TEMPLATE.replace(
    /^\{\{(.+)\}\}$/gm,
    (_, section: Section) =>
      `${BEGIN(section)}\n\n${measured.get(section) ?? keptText(page, section)}\n\n${END}`,
  );
}

function keptText(page: string | undefined, section: Section): string {
  const start = page?.indexOf(BEGIN(section)) ?? -1;
  const end = page?.indexOf(END, start) ?? -1;
  return page === undefined || start < 0 || end < 0
    ? `Not measured yet: \`${COMMANDS[section]}\``
    : page.slice(start + BEGIN(section).length, end).trim();
}

const TEMPLATE = `# Benchmarks

Written by \`npm run bench -- --write\`; edit \`tools/bench/document.ts\`, not this page.

| command | measures |
| --- | --- |
| \`npm run bench\` | warm setup, files and machines, in about a quarter of an hour |
| \`npm run bench -- --only injection\` | files alone; also \`setup\`, \`machines\`, \`proxmox\`, \`microvm\`, \`kubevirt\` |
| \`npm run bench -- --only kubevirt --kubeconfig FILE --image URL\` | the same table of clusters on your own cluster with KubeVirt |
| \`npm run bench -- --runs 1 --machines 1\` | the same once and with one machine |
| \`npm run bench -- --guests\` | a guest of the embedded lab too |
| \`npm run bench -- --cold\` | setup with empty caches too, about a quarter of an hour |
| \`npm run bench -- --gate\` | exit code 1 when a gate is not passed |

## Machines

Each side makes the same machines on this computer's libvirt, through the same binary of the libvirt provider: one uploaded image, one NAT network, and for each machine an overlay on the image, a cloud-init disk and a domain (QEMU's own emulation, 64 MiB, blank disk). The provider boots each domain; with \`running: false\` it is switched off at once, on either side.

- **Corral**: the ready program, \`pulumi\` with \`--skip-preview\`, without refresh, file backend. Beside the machines it makes their stamps, keys, console logs and power states, writes the cloud-init disks itself, and looks before each creation whether something is in the way.
- **terraform**: the command on this computer, with \`-refresh=false\` but for the creation, because Pulumi's engine trusts the state too unless told to refresh.
- **empty program**: an \`index.js\` that imports Pulumi's SDK and declares nothing: what engine and SDK cost by themselves. It has no machines; its figures stand beside each number of them for comparison.

Memory is the most that all processes of a command had at one time, libvirt's own not among them: proportional set size, looked at ten times a second. A command that does not end within 60 s and 8 s for each machine is ended, and its run with it; both are told. On the side of terraform that happens: provider 0.8.3 reads each cloud-init disk back, and libvirt may send the first part of the file before it answers the call, the more likely the busier it is. The provider's go-libvirt takes that part for the answer and then waits for good.

{{machines}}

## Calls of the Proxmox VE API

Each side makes the same machines on a simulated Proxmox VE (\`tools/lab/proxmox\`): clones of its template with cloud-init, memory and one network interface, in the same engine and by the same provider. Its tasks end at once and its guests answer at once, so what is counted is what is asked and not how long was waited. Calls are those that reach the API, by whomever; those that are not GET are changes and questions to the guest agent.

- **Corral**: the ready program, each machine waited for until its guest is ready. Beside the machine it chooses the VM id, looks before the creation whether something is in the way, asks the guest agent for readiness and address, and shuts the machine down cleanly before its end.
- **bare provider**: a program with the provider's machines alone, with the very settings that Corral gives them.

{{proxmox}}

## microVMs

Machines on a Linux host of the lab (\`tools/lab/host\`: systemd in a container on this computer), the lab's tiny guest with 96 MiB under QEMU's own emulation, from nothing until ssh answers.

- **Corral**: the ready program by \`pulumi up --skip-preview\`, host and machines in one. It looks at the host, makes its network, uploads kernel and initrd, makes for each machine keys, an address, a user, a unit, rules of nftables and a disk with cloud-init's documents, and logs in to each guest.
- **QEMU by hand**: a shell script on that host which makes the interfaces, starts QEMU with the same machine type, kernel, initrd and memory, and waits until each guest's ssh server greets.

Connections are logins to the host's ssh server as its log tells them, commands the sessions in them; those into guests go through one of the connections.

{{microvm}}

## Clusters with KubeVirt

Clusters of a control plane and a worker, by the ready program. Requests are counted by a proxy between whoever asks and the API: those of Corral's own resources (decision, waits, snapshots, nodes), and those of Pulumi's plugin for Kubernetes, which makes the objects. On a cluster of your own Kubernetes is set up inside the machines too; in the lab they run in the books only.

{{kubevirt}}

## Files

Files of random bytes in one folder are put into a machine where they are not yet. **rsync** (\`-a\`) and **scp** (\`-r -p\`) copy, with a connection of their own each. **up** is the whole of \`pulumi up --skip-preview\` of a program with one \`FileInjection\`: it starts engine, program and provider, records what was there before, writes beside each place, makes the guest hash what it got, and renames; *of which the files* is the time that the engine gives for the resource with the files: connecting, and all of that. The gate compares this with rsync; what an \`up\` costs before it does anything is the empty program.

Into this computer, through OpenSSH's server on the loopback address:

{{injection}}

Into a guest of the embedded lab, one processor and 512 MiB:

{{injection guest}}

## Setup

Everything in place (\`npm run setup\` again):

{{setup warm}}

Caches of the toolchain and of Go empty; npm dependencies and Debian packages in place:

{{setup cold}}

## Guest

A machine of the embedded lab, one processor and 512 MiB:

{{guest}}
`;
