import { field } from "../argumentRules";
import { isText } from "../later";
import type { OwnershipStamp } from "../stamp";
import { parseStampText, renderStampText } from "../stampText";

/** Domain of Corral's labels and annotations. Part of the contract: never changed. */
const DOMAIN = "corral-iac.dev";

/** Label with the stamp's id: what a stack made, and only that, carries it. */
export const STAMP_LABEL = `${DOMAIN}/stamp`;
/** Label with the session that a machine or snapshot belongs to. */
export const SESSION_LABEL = `${DOMAIN}/session`;
/** Label with a machine's role, see {@link NodeRole}. */
export const ROLE_LABEL = `${DOMAIN}/role`;
/** Label with a machine's name, on its pod too: what its Service selects. */
export const MACHINE_LABEL = `${DOMAIN}/machine`;
/** Label of disks that were cloned ahead of their machine. */
export const CLONED_LABEL = `${DOMAIN}/cloned-ahead`;
/**
 * Label of a snapshot with the name that it stands for: its own name has a generation in it, so that
 * a new one is there before the old one goes.
 */
export const SNAPSHOT_LABEL = `${DOMAIN}/snapshot`;
/** Annotation with the whole stamp. */
export const OWNER_ANNOTATION = `${DOMAIN}/owner`;
/** Annotation with the Kubernetes version inside a machine. */
export const VERSION_ANNOTATION = `${DOMAIN}/kubernetes-version`;
/** Annotation that says which machines are one cluster: a worker's snapshot fits that set only. */
export const SET_ANNOTATION = `${DOMAIN}/cluster-set`;

/** Annotation of a base machine that was cleaned for its snapshot: the uid of the instance that it ran as. */
export const CLEANED_ANNOTATION = `${DOMAIN}/cleaned`;
/** Annotation of one whose keys are being removed, so that perhaps nobody gets in any more: that uid. */
export const CLOSING_ANNOTATION = `${DOMAIN}/closing`;

/** What a machine is in its cluster. */
export type NodeRole = "control-plane" | "worker";

/** Labels of everything that a component makes in Kubernetes. */
export function stampLabels(stampId: string): Record<string, string> {
  return { "app.kubernetes.io/managed-by": "corral", [STAMP_LABEL]: stampId };
}

/** Selects what {@link stampLabels} marks. */
export function stampSelector(stampId: string): string {
  return `${STAMP_LABEL}=${stampId}`;
}

/** Annotations of everything that a component makes: whose it is, readable again. */
export function ownerAnnotations(
  stamp: OwnershipStamp,
): Record<string, string> {
  return { [OWNER_ANNOTATION]: renderStampText(stamp) };
}

/** Whose an object is; undefined when Corral did not make it. */
export function ownerOf(object: unknown): OwnershipStamp | undefined {
  const text = annotation(object, OWNER_ANNOTATION);
  return text === undefined ? undefined : parseStampText(text);
}

/** The value of an object's label. */
export function label(object: unknown, name: string): string | undefined {
  const value = field(object, "metadata", "labels", name);
  return isText(value) ? value : undefined;
}

/** The value of an object's annotation. */
export function annotation(object: unknown, name: string): string | undefined {
  const value = field(object, "metadata", "annotations", name);
  return isText(value) ? value : undefined;
}

/** Whether Kubernetes takes a text as the value of a label. */
export function isLabelValue(text: string): boolean {
  return /^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/.test(text);
}

/** Whether Kubernetes takes a text as the name of a label: `name` or `domain/name`. */
export function isLabelName(text: string): boolean {
  const [last = "", domain, ...more] = text.split("/").reverse();
  return (
    more.length === 0 &&
    last !== "" &&
    isLabelValue(last) &&
    (domain === undefined || isSubdomain(domain))
  );
}

/** A DNS label (RFC 1123): names of namespaces and Services. */
export function isDnsLabel(text: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text);
}

/** A DNS subdomain (RFC 1123): names of most other objects. */
export function isSubdomain(text: string): boolean {
  return text.length <= 253 && text.split(".").every(isDnsLabel);
}
