import { type HostPaths, machineUnit, machineUser, sharePaths } from "./paths";
import type { MachinePlan, PlannedShare } from "./plan";
import { commandLine, settingText } from "./systemdText";

/** Where the server of shared folders is: of Rust, or the one that came with QEMU until 7.2. */
export const VIRTIOFSD_PATHS = [
  "/usr/libexec/virtiofsd",
  "/usr/lib/qemu/virtiofsd",
  "/usr/lib/virtiofsd",
  "/usr/local/bin/virtiofsd",
  "/usr/bin/virtiofsd",
] as const;

/** For a shell: runs the server with the arguments behind it. */
const SERVER =
  `for p in ${VIRTIOFSD_PATHS.join(" ")}; do [ ! -x "$p" ] || exec "$p" "$@"; done; ` +
  'echo "there is no virtiofsd"; exit 127';

/**
 * What the server needs to give files their owners and modes; and to shut itself into its folder and
 * give up the rest of these rights (CAP_SYS_CHROOT, CAP_SETPCAP), which it does before it serves a guest.
 */
const CAPABILITIES = [
  ...["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID"],
  ...["CAP_MKNOD", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETUID"],
  ...["CAP_SETPCAP", "CAP_SYS_CHROOT"],
];

/**
 * systemd's unit of a shared folder's server. It starts before the machine and stops with it. The
 * hypervisor cannot go on without it: where it ends by itself, the machine is started anew.
 */
export function shareUnitFile(
  plan: MachinePlan,
  share: PlannedShare,
  host: HostPaths,
): string {
  const { run, socket } = sharePaths(plan.name, share.name, host);
  const machine = machineUnit(plan.name);
  return [
    "# Made by Corral: what is changed here by hand is set right by the next up.",
    "[Unit]",
    `Description=folder ${settingText(share.name)} of microVM ${settingText(plan.name)}`,
    `PartOf=${machine}`,
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    "Type=exec",
    `SyslogIdentifier=${settingText(plan.name)}`,
    `RuntimeDirectory=${run.replace(/^\/run\//, "")}`,
    // The server of QEMU locks its socket by a file there.
    `BindPaths=${commandLine([`${run}:/run/virtiofsd`])}`,
    `ExecStart=${commandLine([
      ...["/bin/sh", "-c", SERVER, "virtiofsd"],
      `--socket-path=${socket}`,
      `--socket-group=${machineUser(plan.name)}`,
      ...["-o", `source=${share.hostPath}`],
      // systemd has made a namespace already: for another one it would take the right to administrate.
      ...["-o", "sandbox=chroot"],
    ])}`,
    `ExecStartPost=${commandLine(["/bin/sh", "-c", 'until [ -S "$1" ]; do sleep 0.05; done', "wait", socket])}`,
    `ExecStopPost=+-${commandLine(["/bin/sh", "-c", '! systemctl is-active --quiet "$1" || systemctl --no-block restart "$1"', "restart", machine])}`,
    "TimeoutStartSec=30",
    "TimeoutStopSec=10",
    "TasksMax=256",
    "LimitNOFILE=65536",
    ...hardening(share),
    "",
  ].join("\n");
}

function hardening({ hostPath, readOnly }: PlannedShare): string[] {
  return [
    "NoNewPrivileges=yes",
    `CapabilityBoundingSet=${CAPABILITIES.join(" ")}`,
    "DevicePolicy=closed",
    "ProtectSystem=strict",
    `${readOnly ? "ReadOnlyPaths" : "ReadWritePaths"}=${commandLine([hostPath])}`,
    "PrivateNetwork=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectHostname=yes",
    "RestrictAddressFamilies=AF_UNIX",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "LockPersonality=yes",
    "SystemCallArchitectures=native",
  ];
}
