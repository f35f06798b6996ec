import { isNotFound, type KubeApi } from "../api/client";
import { collection } from "../api/paths";
import type { CloudInitSource, Instance } from "../handler/types";

/** The documents of an instance's cloud-init disk, as KubeVirt writes them (NoCloud). */
export async function cloudInitOf(
  api: KubeApi,
  instance: Instance,
): Promise<
  { userData: string; networkConfig: string; metaData: string } | undefined
> {
  const source = instance.spec.volumes?.find(
    ({ cloudInitNoCloud }) => cloudInitNoCloud !== undefined,
  )?.cloudInitNoCloud;
  if (source === undefined) {
    return undefined;
  }
  const { namespace = "", name } = instance.metadata;
  const secret = (reference: CloudInitSource["secretRef"], keys: string[]) =>
    reference === undefined
      ? Promise.resolve(undefined)
      : readSecret(api, namespace, reference.name, keys);
  return {
    userData:
      source.userData ??
      decoded(source.userDataBase64) ??
      (await secret(source.secretRef, ["userdata", "userData"])) ??
      "",
    networkConfig:
      source.networkData ??
      decoded(source.networkDataBase64) ??
      (await secret(source.networkDataSecretRef ?? source.secretRef, [
        "networkdata",
        "networkData",
      ])) ??
      "",
    metaData: JSON.stringify({
      "instance-id":
        instance.spec.domain.firmware?.uuid ?? instance.metadata.uid,
      "local-hostname": instance.spec.hostname ?? name,
    }),
  };
}

function decoded(base64: string | undefined): string | undefined {
  return base64 === undefined
    ? undefined
    : Buffer.from(base64, "base64").toString("utf8");
}

async function readSecret(
  api: KubeApi,
  namespace: string,
  name: string,
  keys: readonly string[],
): Promise<string | undefined> {
  try {
    const { data = {} } = await api.get<{ data?: Record<string, string> }>(
      `${collection("v1", "secrets", namespace)}/${name}`,
    );
    return keys
      .map((key) => decoded(data[key]))
      .find((text) => text !== undefined);
  } catch (error) {
    if (isNotFound(error)) {
      throw new Error(
        `The secret ${namespace}/${name} of ${namespace}'s machine is missing`,
        { cause: error },
      );
    }
    throw error;
  }
}
