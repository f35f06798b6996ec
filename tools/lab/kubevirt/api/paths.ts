import type { KubeObject } from "./client";

/** The plural by which the API names a kind: regular for all that the lab makes. */
export function pluralOf(kind: string): string {
  const word = kind.toLowerCase();
  if (word.endsWith("s")) {
    return `${word}es`;
  }
  return word.endsWith("y") ? `${word.slice(0, -1)}ies` : `${word}s`;
}

/** The path of a collection; without a namespace it spans all of them. */
export function collection(
  apiVersion: string,
  plural: string,
  namespace?: string,
): string {
  const root = apiVersion.includes("/")
    ? `/apis/${apiVersion}`
    : `/api/${apiVersion}`;
  const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
  return `${root}${scope}/${plural}`;
}

/** The path under which an object is made. */
export function collectionOf(object: KubeObject): string {
  return collection(
    object.apiVersion ?? "v1",
    pluralOf(object.kind ?? ""),
    object.metadata.namespace,
  );
}

export function pathOf(object: KubeObject): string {
  return `${collectionOf(object)}/${object.metadata.name}`;
}
