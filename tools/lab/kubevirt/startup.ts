import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { messageOf } from "@corral-iac/corral/core/errors";
import execa from "execa";
import { parseAllDocuments } from "yaml";

import { becomes } from "../processes";
import {
  isConflict,
  KubeApi,
  type KubeAccess,
  type KubeObject,
} from "./api/client";
import { writeKubeconfig } from "./api/kubeconfig";
import { collection, collectionOf, pathOf } from "./api/paths";
import {
  handlerPodObject,
  kubevirtNamespace,
  kubevirtObject,
  kubevirtStatus,
  type Manifest,
  nodeNames,
  nodeObject,
  storageObjects,
} from "./objects";
import { kubevirtAccounts, type LabPaths, users } from "./parts";

/** What `kubevirt-manifests` prints. */
export interface Installation {
  readonly definitions: readonly Manifest[];
  readonly objects: readonly Manifest[];
  readonly webhooks: readonly Manifest[];
}

/** Longest time for one step; on an idle machine the longest takes 5 s. */
const stepSeconds = 120;

/** A month: longer than any lab lives. */
const tokenSeconds = 30 * 86_400;

/** A part ended, so waiting is of no use. */
export class EndedError extends Error {}

/** Waits for a condition of a starting lab; while it fails to answer, it does not hold. */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  seconds = stepSeconds,
): Promise<void> {
  let last = "";
  const holds = async () => {
    try {
      return await condition();
    } catch (error) {
      if (error instanceof EndedError) {
        throw error;
      }
      last = messageOf(error);
      return false;
    }
  };
  if (!(await becomes(holds, seconds))) {
    throw new Error(
      `${what} did not come within ${seconds} seconds${last && `: ${last}`}`,
    );
  }
}

/** Writes the tokens that the API server reads at its start, and a kubeconfig for each of them. */
export function writeUsers(
  paths: LabPaths,
  endpoint: string,
  authority: string,
): void {
  fs.mkdirSync(path.dirname(paths.kubeconfig("admin")), {
    recursive: true,
    mode: 0o700,
  });
  const lines: string[] = [];
  for (const [name, group] of Object.entries(users)) {
    const token = randomBytes(24).toString("base64url");
    const user = name.startsWith("kube-") ? `system:${name}` : name;
    lines.push(`${token},${user},${name}${group && `,"${group}"`}`);
    writeKubeconfig(paths.kubeconfig(name), { endpoint, authority, token });
  }
  fs.writeFileSync(paths.tokens, `${lines.join("\n")}\n`, { mode: 0o600 });
}

/** What KubeVirt's operator would install, from KubeVirt's own functions. */
export async function generateInstallation(
  program: string,
  virtApiPort: number,
): Promise<Installation> {
  const { stdout } = await execa(
    program,
    ["--namespace", kubevirtNamespace, "--api-port", String(virtApiPort)],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  return JSON.parse(stdout) as Installation;
}

/** Definitions of CDI and of volume snapshots (see crds/README.md). */
function storageDefinitions(): Manifest[] {
  const folder = path.resolve(__dirname, "../../../lab/kubevirt/crds");
  return fs
    .readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .flatMap((file) =>
      parseAllDocuments(fs.readFileSync(path.join(folder, file), "utf8")),
    )
    .map((document) => document.toJS() as Manifest)
    .filter((object) => object !== null);
}

/** Makes an object; one that is there already stays as it is. */
export async function ensureObject(
  api: KubeApi,
  object: Manifest,
): Promise<void> {
  try {
    await api.create(collectionOf(object), object);
  } catch (error) {
    if (!isConflict(error)) {
      throw error;
    }
  }
}

/** All definitions, and waits until the API serves them. */
export async function installDefinitions(
  api: KubeApi,
  installation: Installation,
): Promise<void> {
  const definitions = [
    ...installation.definitions,
    ...storageDefinitions(),
  ].map((definition) => ({ ...definition, status: undefined }));
  await Promise.all(
    definitions.map((definition) => ensureObject(api, definition)),
  );
  const path = collection(
    "apiextensions.k8s.io/v1",
    "customresourcedefinitions",
  );
  await until("The definitions", async () => {
    const found = await api.list<
      KubeObject & {
        status?: { conditions?: { type: string; status: string }[] };
      }
    >(path);
    return (
      found.length >= definitions.length &&
      found.every(({ status }) =>
        status?.conditions?.some(
          ({ type, status }) => type === "Established" && status === "True",
        ),
      )
    );
  });
}

/** KubeVirt's objects but its webhooks, its configuration, the storage's and the nodes. */
export async function installObjects(
  api: KubeApi,
  installation: Installation,
): Promise<void> {
  const [namespace, ...rest] = installation.objects;
  if (namespace !== undefined) {
    await ensureObject(api, namespace);
  }
  const kubevirt = kubevirtObject();
  await Promise.all(
    [...rest, kubevirt, ...storageObjects(), ...nodeNames.map(nodeObject)].map(
      (object) => ensureObject(api, object),
    ),
  );
  await api.patch(`${pathOf(kubevirt)}/status`, kubevirtStatus());
}

/** Files of the certificates that virt-api, virt-controller and the handler are started with. */
export function writeKubevirtCertificates(
  installation: Installation,
  paths: LabPaths,
): void {
  for (const object of installation.objects) {
    const data = object.data as Record<string, string> | undefined;
    if (object.kind !== "Secret" || data === undefined) {
      continue;
    }
    const [certificate, key] = paths.kubevirtPair(object.metadata.name);
    const decode = (text = "") => Buffer.from(text, "base64");
    fs.writeFileSync(certificate, decode(data["tls.crt"]));
    fs.writeFileSync(key, decode(data["tls.key"]), { mode: 0o600 });
  }
}

/** Kubeconfigs of KubeVirt's own service accounts. */
export async function writeServiceAccounts(
  api: KubeApi,
  access: KubeAccess,
  paths: LabPaths,
): Promise<void> {
  await Promise.all(
    Object.entries(kubevirtAccounts).map(async ([part, account]) => {
      const token = await tokenOf(api, kubevirtNamespace, account);
      writeKubeconfig(paths.kubeconfig(part), { ...access, token });
    }),
  );
}

/** A token of a service account. */
export async function tokenOf(
  api: KubeApi,
  namespace: string,
  serviceAccount: string,
): Promise<string> {
  const answer = await api.create<{ status: { token: string } }>(
    `${collection("v1", "serviceaccounts", namespace)}/${serviceAccount}/token`,
    {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: tokenSeconds },
    },
  );
  return answer.status.token;
}

/** Nodes ready, each with the pod that stands for its handler. */
export async function waitForNodes(api: KubeApi): Promise<void> {
  for (const node of nodeNames) {
    // Refused until the controllers have taken the node's taint and made the service account.
    await until(`The handler's pod of ${node}`, async () => {
      await ensureObject(api, handlerPodObject(node));
      return true;
    });
  }
  await until("Running handlers on ready nodes", async () => {
    const pods = await api.list<KubeObject & { status: { phase?: string } }>(
      `${collection("v1", "pods", kubevirtNamespace)}?labelSelector=kubevirt.io%3Dvirt-handler`,
    );
    return (
      pods.length === nodeNames.length &&
      pods.every(({ status }) => status.phase === "Running")
    );
  });
}

export async function virtControllerLeads(api: KubeApi): Promise<boolean> {
  const lease = await api.get<
    KubeObject & { spec: { holderIdentity?: string } }
  >(
    `${collection("coordination.k8s.io/v1", "leases", kubevirtNamespace)}/virt-controller`,
  );
  return Boolean(lease.spec.holderIdentity);
}
