import {
  field,
  knownNow,
  notEmpty,
  oneOf,
  textForm,
  webAddress,
} from "../core/argumentRules";
import { type Fault, show } from "../core/faults";
import { networksOverlap, parseIpv4Network } from "../core/ipv4";
import { parseVersion } from "../core/kubevirt/kubeadm";
import {
  isDnsLabel,
  isLabelName,
  isLabelValue,
  isSubdomain,
} from "../core/kubevirt/labels";
import { clusterMachines, machineNameFaults } from "../core/kubevirt/names";
import { isRecord, isText, LATER } from "../core/later";
import { compileSchemaCheck } from "../core/schemaCheck";
import { GUEST_SECRETS, guestRules } from "../guest/guestRules";
import schema from "./args.schema.json";
import { DEFAULTS } from "./defaults";

/** Arguments that are wrapped as secrets and whose values no fault shows. */
export const KUBEVIRT_SECRETS = [...GUEST_SECRETS, "kubeconfig"];

const checkShape = compileSchemaCheck(
  { ...schema, $ref: "#/definitions/KubevirtClusterArgs" },
  KUBEVIRT_SECRETS,
);

/** Arguments whose fields decide which resources there are, or what stands in their names. */
const KNOWN_NOW = [
  "namespace",
  "quota",
  "session",
  "strategy",
  "snapshots",
  "generation",
  "image",
  "workers",
  "controlPlane",
  "worker",
  "storageClass",
  "kubernetes",
  "ssh",
  "ready",
  "apiService",
  "configureNodes",
];

/**
 * Every fault in the arguments of a KubevirtCluster. Values that are `LATER` pass.
 *
 * @param session what stands in the machines' names where the arguments say nothing.
 */
export function validateKubevirtCluster(
  args: unknown,
  session: string,
): Fault[] {
  return [...checkShape(args), ...clusterRules(args, session)];
}

/** What {@link validateKubevirtCluster} asks beside the shape. */
export function clusterRules(args: unknown, session: string): Fault[] {
  if (!isRecord(args)) {
    return [];
  }
  return [
    ...KNOWN_NOW.flatMap((name) => knownNow(name, args[name])),
    ...placeRules(args, session),
    ...labelRules(args.labels),
    ...sourceRules(args),
    ...kubernetesRules(args.kubernetes),
    ...nodeRules(args),
    ...guestRules(args),
  ];
}

function placeRules(
  args: Record<string, unknown>,
  defaultSession: string,
): Fault[] {
  const { namespace, quota, session = defaultSession, workers = 1 } = args;
  return [
    ...textForm("namespace", namespace, isDnsLabel, NAME_WORDS),
    ...(namespace !== undefined && quota !== undefined
      ? [
          {
            path: "quota",
            problem:
              "is given beside namespace, must be left out: a quota is for a namespace of the cluster's own",
          },
        ]
      : []),
    ...(isText(session) && typeof workers === "number"
      ? machineNameFaults(
          clusterMachines(session, Math.max(0, Math.min(workers, 255))),
          args.session === undefined ? "name" : "session",
          session,
        )
      : []),
    ...textForm("storageClass", args.storageClass, isSubdomain, NAME_WORDS),
  ];
}

const NAME_WORDS = "a name of lower-case letters, digits and hyphens";

function nodeRules({
  apiServer,
  apiService,
  configureNodes,
  ready,
}: Record<string, unknown>): Fault[] {
  return [
    ...textForm(
      "apiServer",
      apiServer,
      (text) => /^https:\/\/[^\s/]+$/.test(text),
      "an address like https://cluster.example.org:6443",
    ),
    ...(apiService === "loadBalancer" && apiServer !== undefined
      ? [
          {
            path: "apiServer",
            problem:
              'is given beside apiService "loadBalancer", whose address is taken; must be left out',
          },
        ]
      : []),
    ...(configureNodes !== false && field(ready, "until") === "none"
      ? [
          {
            path: "configureNodes",
            problem:
              'needs machines that run, must be false with ready.until "none"',
          },
        ]
      : []),
  ];
}

function labelRules(labels: unknown): Fault[] {
  return isRecord(labels)
    ? Object.entries(labels).flatMap(([name, value]) => [
        ...(isLabelName(name)
          ? []
          : [
              {
                path: `labels.${name}`,
                problem:
                  "is no name of a label, must be NAME or DOMAIN/NAME with at most 63 letters, digits, -, _ and .",
              },
            ]),
        ...(name.startsWith("corral-iac.dev/")
          ? [
              {
                path: `labels.${name}`,
                problem: "is one of Corral's own, must be left out",
              },
            ]
          : []),
        ...textForm(
          `labels.${name}`,
          value,
          isLabelValue,
          "at most 63 letters, digits, -, _ and ., none of the latter at its ends",
        ),
      ])
    : [];
}

function sourceRules(args: Record<string, unknown>): Fault[] {
  const { strategy = "auto", image, snapshots, fromSession, fallback } = args;
  const isUnused = (path: string, value: unknown) =>
    value !== undefined && strategy === "bootstrap"
      ? [
          {
            path,
            problem:
              'is given with strategy "bootstrap", which takes no snapshots; must be left out',
          },
        ]
      : [];
  return [
    ...(image === undefined && strategy !== "snapshot" && strategy !== LATER
      ? [
          {
            path: "image",
            problem: `is missing, must be given with strategy ${show(strategy)}: a bootstrap may be needed`,
          },
        ]
      : []),
    ...oneOf(
      "image",
      image,
      ["containerDisk", "url", "pvc", "dataSource"],
      "required",
    ),
    ...textForm(
      "image.containerDisk",
      field(image, "containerDisk"),
      (text) => /^[^\s/]+(\/[^\s/]+)+$/.test(text) && !text.includes("://"),
      "an image's name like quay.io/containerdisks/debian:12",
    ),
    ...webAddress("image.url", field(image, "url")),
    ...["pvc", "dataSource"].flatMap((name) =>
      objectRef(`image.${name}`, field(image, name)),
    ),
    ...isUnused("snapshots", snapshots),
    ...isUnused("fromSession", fromSession),
    ...isUnused("fallback", fallback),
    ...(snapshots !== undefined && fromSession !== undefined
      ? [
          {
            path: "fromSession",
            problem: "is given beside snapshots, must be one of both",
          },
        ]
      : []),
    ...(fallback === true && strategy === "snapshot"
      ? [
          {
            path: "fallback",
            problem:
              'is true with strategy "snapshot", must be left out or stand with "auto"',
          },
        ]
      : []),
    ...objectNames("snapshots", snapshots, [
      "namespace",
      "controlPlane",
      "worker",
    ]),
    ...textForm(
      "fromSession",
      fromSession,
      (text) => text !== "" && isLabelValue(text),
      "a session as machines carry it in their label",
    ),
    ...(isText(args.session) && !isLabelValue(args.session)
      ? [
          {
            path: "session",
            problem: `is ${show(args.session)}, must fit into a label`,
          },
        ]
      : []),
  ];
}

function objectRef(path: string, ref: unknown): Fault[] {
  return [
    ...notEmpty(`${path}.name`, field(ref, "name")),
    ...objectNames(path, ref, ["namespace", "name"]),
  ];
}

function objectNames(
  path: string,
  value: unknown,
  names: readonly string[],
): Fault[] {
  return names.flatMap((name) =>
    textForm(`${path}.${name}`, field(value, name), isSubdomain, NAME_WORDS),
  );
}

function kubernetesRules(kubernetes: unknown): Fault[] {
  const { version, cni, manifest } = isRecord(kubernetes)
    ? kubernetes
    : { version: undefined, cni: undefined, manifest: undefined };
  return [
    ...textForm(
      "kubernetes.version",
      version,
      isGoodVersion,
      "a version like 1.34.3, 1.31.0 or later (kubeadm v1beta4)",
    ),
    ...(typeof manifest === "string" && isGuestPath(manifest)
      ? []
      : webAddress("kubernetes.manifest", manifest)),
    ...(cni === "manifest" && manifest === undefined
      ? [
          {
            path: "kubernetes.manifest",
            problem: 'is missing, must stand beside cni "manifest"',
          },
        ]
      : []),
    ...(cni === "none" && manifest !== undefined
      ? [
          {
            path: "kubernetes.manifest",
            problem: 'is given with cni "none", must be left out',
          },
        ]
      : []),
    ...networkRules(kubernetes),
  ];
}

/** Whether a text is an absolute path that `kubectl apply -f` takes for one. */
function isGuestPath(text: string): boolean {
  return /^(\/[\w.-]+)+$/.test(text);
}

function isGoodVersion(text: string): boolean {
  const version = parseVersion(text);
  return (
    version !== undefined &&
    (version.major > 1 || (version.major === 1 && version.minor >= 31))
  );
}

const NETWORKS = ["podNetwork", "serviceNetwork", "nodeNetwork"] as const;

/** The three networks of a cluster must be such, and share no address. */
function networkRules(kubernetes: unknown): Fault[] {
  const given = NETWORKS.map((name) => ({
    name,
    path: `kubernetes.${name}`,
    value: field(kubernetes, name) ?? DEFAULTS[name],
  }));
  const wrong = given.flatMap(({ name, path, value }) =>
    textForm(
      path,
      value,
      (text) => {
        const network = parseIpv4Network(text);
        return name === "nodeNetwork"
          ? network?.prefix === 16
          : network !== undefined &&
              network.prefix >= 8 &&
              network.prefix <= 24;
      },
      name === "nodeNetwork"
        ? "an IPv4 network of 16 bits like 10.250.0.0/16"
        : "an IPv4 network of 8 to 24 bits like 10.244.0.0/16",
    ),
  );
  const overlaps = given.flatMap((one, index) =>
    given.slice(0, index).flatMap((other) => {
      const [first, second] = [one, other].map(({ value }) =>
        isText(value) ? parseIpv4Network(value) : undefined,
      );
      return first && second && networksOverlap(first, second)
        ? [
            {
              path: one.path,
              problem: `is ${show(one.value)}, must share no address with ${other.name} ${show(other.value)}`,
            },
          ]
        : [];
    }),
  );
  return wrong.length > 0 ? wrong : overlaps;
}
