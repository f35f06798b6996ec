import {
  NODE_FOLDER,
  NODE_KUBECTL,
  type NetworkPlugin,
  nodeRegistered,
  overlayAddressLine,
} from "./nodeBoot";
import { LOGIN_KEY_COMMENT } from "../cloudInit";
import { joinConfig, type KubeadmJoin, tokenConfig } from "./kubeadm";
import type { GuestNetwork } from "./nodeNetwork";
import { shellWord } from "./shell";

/** One step of post-configuration, run inside a machine as root. */
export interface NodeStep {
  /** For messages and durations, for example `restart kubelet`. */
  readonly name: string;
  /** Read by `sh`. */
  readonly script: string;
  /** Whether its failure is reported and the cluster made all the same. */
  readonly mayFail: boolean;
  readonly timeoutSeconds: number;
}

const ADMIN = "kubectl --kubeconfig /etc/kubernetes/admin.conf";

/**
 * Takes the keys out of a clone that Corral got into its original by: the clone's own one was added to
 * them. Nobody else's key is touched.
 *
 * @param ownKey the clone's own, as authorized_keys has it: the base64 in the middle.
 */
export function forgetKeysStep(ownKey: string): NodeStep {
  return step(
    "forget the original's keys",
    withoutCorralsKeys(`-e '\\#${ownKey}#b' `),
    {},
  );
}

/** @param unless options of sed that leave lines alone. */
function withoutCorralsKeys(unless = ""): string[] {
  return [
    "for home in $(getent passwd | cut -d: -f6 | sort -u); do",
    "  keys=$home/.ssh/authorized_keys",
    `  [ ! -f "$keys" ] || sed -i ${unless}-e '/^ssh-ed25519 [^ ]* ${LOGIN_KEY_COMMENT} /d' "$keys"`,
    "done",
  ];
}

/** The steps of a control plane that was cloned: what a clone has of the original is put right. */
export function clonedControlPlaneSteps(cluster: {
  readonly nodeName: string;
  /** Names that nodes of this cluster have; others are of the original. */
  readonly nodeNames: readonly string[];
  readonly networkPlugin: NetworkPlugin | undefined;
}): NodeStep[] {
  const names = cluster.nodeNames.join("|");
  return [
    step(
      "set the host name",
      [`hostnamectl set-hostname ${cluster.nodeName}`],
      {
        mayFail: true,
      },
    ),
    step("restart kubelet", ["systemctl restart kubelet"], { mayFail: true }),
    step(
      "wait for the API",
      [`until ${ADMIN} get --raw /readyz; do sleep 2; done`],
      {
        timeoutSeconds: 180,
      },
    ),
    step(
      "forget nodes of the original",
      [
        `for node in $(${ADMIN} get nodes -o name); do`,
        `  case "\${node#node/}" in ${names}) ;; *) ${ADMIN} delete --wait=false "$node" ;; esac`,
        "done",
      ],
      { mayFail: true },
    ),
    ...overlaySteps(cluster.networkPlugin, ADMIN),
  ];
}

/** The steps of the first worker that was cloned together with its control plane. */
export function clonedWorkerSteps(
  nodeName: string,
  networkPlugin: NetworkPlugin | undefined,
): NodeStep[] {
  return [
    step("set the host name", [`hostnamectl set-hostname ${nodeName}`], {
      mayFail: true,
    }),
    step("restart kubelet", ["systemctl restart kubelet"], { mayFail: true }),
    ...overlaySteps(networkPlugin),
  ];
}

/** Makes a token on the control plane that lives just long enough to join by: read it by {@link readJoin}. */
export function freshTokenStep(): NodeStep {
  return step(
    "make a token",
    ["kubeadm token create --ttl 15m --print-join-command"],
    {},
  );
}

/**
 * What {@link freshTokenStep} printed: the token, and the digest of the authority that the control plane
 * has, which for a clone is that of its original.
 *
 * @throws Error, without the token, when it is something else.
 */
export function readJoin(
  printed: string,
): Pick<KubeadmJoin, "token" | "authorityDigest"> {
  const token = /--token\s+([a-z0-9]{6}\.[a-z0-9]{16})\b/.exec(printed)?.[1];
  const authorityDigest =
    /--discovery-token-ca-cert-hash\s+(sha256:[0-9a-f]{64})\b/.exec(
      printed,
    )?.[1];
  if (token === undefined || authorityDigest === undefined) {
    throw new Error(
      "kubeadm token create printed no join command with a token and a digest of the cluster's authority",
    );
  }
  return { token, authorityDigest };
}

/** Which worker has joined which control plane: of a clone, and with another control plane, it is another. */
export interface Membership {
  readonly nodeName: string;
  /** Which machine the worker is. */
  readonly instanceId: string;
  /** Which machine the control plane is. */
  readonly controlPlaneId: string;
}

/** Says on a worker's disk what it has joined. */
const MEMBER = `${NODE_FOLDER}/member`;

function memberWords(member: Membership): string {
  return `${member.nodeName} ${member.instanceId} ${member.controlPlaneId}`;
}

/** Looks whether a worker has joined already under its own name: read it by {@link isMember}. */
export function memberStep(member: Membership): NodeStep {
  return step(
    "look whether it has joined",
    [
      `if [ "$(cat ${MEMBER} 2>/dev/null)" = ${shellWord(memberWords(member))} ] && timeout 30 ${nodeRegistered(member.nodeName)}; then`,
      "  echo member",
      "fi",
    ],
    {},
  );
}

/** Whether that is what {@link memberStep} printed. */
export function isMember(printed: string): boolean {
  return printed.trim() === "member";
}

/**
 * By this a further clone of the worker loses the identity that it shares with the others: two nodes
 * would have one name and one certificate.
 */
export function leaveStep(nodeName: string): NodeStep {
  return step(
    "leave the original's identity",
    [
      `rm -f ${MEMBER}`,
      "kubeadm reset --force",
      "rm -rf /etc/cni/net.d/* /var/lib/cni /var/lib/kubelet/pki",
      `hostnamectl set-hostname ${nodeName}`,
      // What the machine is known by to systemd and to the network plugin.
      "rm -f /etc/machine-id /var/lib/dbus/machine-id",
      "systemd-machine-id-setup",
    ],
    {},
  );
}

/**
 * Run on the control plane before a node joins: kubeadm refuses a name whose node is Ready, which it still
 * is for a while after its kubelet has gone.
 */
export function forgetStep(nodeName: string): NodeStep {
  return step(
    `forget ${nodeName}`,
    [`${ADMIN} delete node ${nodeName} --ignore-not-found`],
    {},
  );
}

/**
 * By this a worker that has left its identity joins under its own.
 *
 * @param worker with a fresh token: that of the original has ended.
 */
export function joinStep(worker: {
  readonly member: Membership;
  readonly network: GuestNetwork;
  readonly join: KubeadmJoin;
}): NodeStep {
  const { member, network, join } = worker;
  const { nodeName } = member;
  const config = joinConfig(join, { nodeName, address: network.address });
  const file = `${NODE_FOLDER}/join.yaml`;
  return step(
    "join",
    [
      `install -d -m 0700 ${NODE_FOLDER}`,
      `(umask 077; printf %s ${shellWord(config)} > ${file})`,
      `kubeadm join --config ${file}`,
      `rm -f ${file}`,
      `until ${nodeRegistered(nodeName)}; do sleep 2; done`,
      // Written last: a join that was cut off is done again.
      `printf %s ${shellWord(memberWords(member))} > ${MEMBER}`,
    ],
    { timeoutSeconds: 300 },
  );
}

/** Waits until cloud-init is done, and fails with what it said when it failed or takes longer. */
export function bootDoneStep(timeoutSeconds: number): NodeStep {
  return waitingStep(
    "wait until cloud-init is done",
    [
      `timeout ${timeoutSeconds} cloud-init status --wait >/dev/null 2>&1 || true`,
      "if [ \"$(cloud-init status | sed -n 's/^status: //p')\" != done ]; then",
      "  cloud-init status --long >&2 || true",
      "  tail -n 20 /var/log/cloud-init-output.log >&2 || true",
      "  exit 1",
      "fi",
    ],
    timeoutSeconds,
  );
}

/**
 * Makes the token valid again that machines were given to join by. It stands in a file that root alone
 * reads, never in a command line.
 */
export function renewTokenStep(token: string): NodeStep {
  const file = `${NODE_FOLDER}/token.yaml`;
  const [id = ""] = token.split(".");
  return step(
    "renew the token",
    [
      `if ! ${ADMIN} -n kube-system get secret bootstrap-token-${id} >/dev/null 2>&1; then`,
      `  install -d -m 0700 ${NODE_FOLDER}`,
      `  (umask 077; printf %s ${shellWord(tokenConfig(token))} > ${file})`,
      `  kubeadm token create --config ${file} >/dev/null`,
      `  rm -f ${file}`,
      "fi",
    ],
    {},
  );
}

/** Takes nodes out of the cluster whose machines go. */
export function removeNodesStep(nodeNames: readonly string[]): NodeStep {
  return step(
    `remove ${nodeNames.join(", ")}`,
    nodeNames.flatMap((node) => [
      `if ${ADMIN} get node ${node} >/dev/null 2>&1; then`,
      `  ${ADMIN} drain ${node} --ignore-daemonsets --delete-emptydir-data --force --timeout=90s || echo "${node} was not drained" >&2`,
      `  ${ADMIN} delete node ${node}`,
      "fi",
    ]),
    { mayFail: true, timeoutSeconds: 60 + 120 * nodeNames.length },
  );
}

/** Prints the kubeconfig of the cluster's administrator. A secret. */
export function readAdminConfStep(): NodeStep {
  return step("read the kubeconfig", ["cat /etc/kubernetes/admin.conf"], {});
}

/** Run on the control plane: waits until every node of the cluster is Ready, and names the first that is not. */
export function nodesReadyStep(
  nodeNames: readonly string[],
  timeoutSeconds: number,
): NodeStep {
  const nodes = nodeNames.map((name) => `node/${name}`).join(" ");
  return waitingStep(
    "wait until all nodes are Ready",
    [
      `end=$(($(date +%s) + ${timeoutSeconds}))`,
      `until said=$(${ADMIN} get ${nodes} 2>&1 >/dev/null); do`,
      '  [ "$(date +%s)" -lt "$end" ] || { echo "$said" >&2; exit 1; }',
      "  sleep 2",
      "done",
      "left=$((end - $(date +%s)))",
      `${ADMIN} wait --for=condition=Ready --timeout=$((left > 1 ? left : 1))s ${nodes}`,
    ],
    timeoutSeconds,
  );
}

/** The steps by which a machine is cleaned before it is snapshotted; after the last nobody gets in any more. */
export function cleanSteps(): NodeStep[] {
  return [
    step(
      "clean logs",
      [
        "journalctl --rotate --quiet || true",
        "journalctl --vacuum-time=1s --quiet || true",
        "find /var/log -type f -exec truncate --size 0 {} +",
        "rm -rf /tmp/* /var/tmp/* || true",
      ],
      { mayFail: true },
    ),
    step(
      "clean leases",
      ["rm -f /var/lib/dhcp/*.leases /run/systemd/netif/leases/* || true"],
      {
        mayFail: true,
      },
    ),
    step(
      "clean the machine's identity",
      [
        // cloud-init makes host keys, and systemd a machine id, at the clone's first boot.
        "cloud-init clean --logs",
        // The tokens, keys and scripts of its bootstrap.
        `rm -rf ${NODE_FOLDER}`,
        "truncate --size 0 /etc/machine-id",
        "sync",
      ],
      {},
    ),
    step(
      "remove the keys",
      [...withoutCorralsKeys(), "rm -f /etc/ssh/ssh_host_*", "sync"],
      {},
    ),
  ];
}

/** What a node tells the network plugin about itself. */
export function overlaySteps(
  plugin: NetworkPlugin | undefined,
  kubectl = NODE_KUBECTL,
): NodeStep[] {
  return plugin?.isFlannel
    ? [
        step(
          "announce the overlay's address",
          [overlayAddressLine(kubectl)],
          {},
        ),
      ]
    : [];
}

/** A step that bounds its wait itself, and says at its end what it has waited for. */
export function waitingStep(
  name: string,
  lines: readonly string[],
  timeoutSeconds: number,
): NodeStep {
  // The shell's own bound is what speaks.
  return step(name, lines, { timeoutSeconds: timeoutSeconds + 30 });
}

/** A step of these lines, which ends at the first that fails. */
export function step(
  name: string,
  lines: readonly string[],
  { mayFail = false, timeoutSeconds = 60 }: Partial<NodeStep> = {},
): NodeStep {
  return {
    name,
    script: ["set -eu", ...lines, ""].join("\n"),
    mayFail,
    timeoutSeconds,
  };
}
