import { XMLBuilder, XMLParser } from "fast-xml-parser";

/** XML namespace of the ownership stamp in libvirt's metadata. Part of the contract: never changed. */
export const STAMP_NAMESPACE = "https://corral-iac.dev/xmlns/stamp/1";

/**
 * The ownership stamp: says whose an object on a hypervisor is. Holds only what never changes, so
 * that no edit of a label replaces a machine.
 */
export interface OwnershipStamp {
  /** Random, made once and kept in the state: tells two stacks of the same name apart. */
  readonly id: string;
  readonly project: string;
  readonly stack: string;
  /** Type of the component, for example `LibvirtVm`. */
  readonly component: string;
  /** The component's own name in the program. */
  readonly name: string;
}

/** The fields of a stamp, in the order in which they are written. */
export const STAMP_FIELDS = [
  "id",
  "project",
  "stack",
  "component",
  "name",
] as const;

/** The part of a stamp's id that stands in the names of volumes, which have no field for a stamp. */
export function shortStampId(id: string): string {
  return id.slice(0, 8);
}

/** The stamp as one XML element, to stand inside `<metadata>` of a libvirt domain or network. */
export function renderStampElement(stamp: OwnershipStamp): string {
  const builder = new XMLBuilder({
    ignoreAttributes: false,
    attributeNamePrefix: "@",
    suppressEmptyNode: true,
    // Otherwise a machine called "true" would give an attribute without a value.
    suppressBooleanAttributes: false,
  });
  const element = builder.build({
    "corral:stamp": {
      "@xmlns:corral": STAMP_NAMESPACE,
      ...Object.fromEntries(
        STAMP_FIELDS.map((field) => [`@${field}`, stamp[field]]),
      ),
    },
  });
  // XML parsers turn white space in attributes into blanks, unless it is written like this.
  return element.replace(/[\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`);
}

type XmlNode = Record<string, unknown>;

/** Reads the stamp out of a libvirt object's XML; undefined when it carries none. */
export function parseStamp(xml: string): OwnershipStamp | undefined {
  const document = parser().parse(xml) as XmlNode;
  const root = asNode(document.domain) ?? asNode(document.network);
  const metadata = asNode(root?.metadata);
  return metadata && stampAmong(metadata, [metadata, root]);
}

/**
 * Finds the stamp's element in any text, such as the XSLT that puts it into a domain's XML;
 * undefined when there is none.
 */
export function parseStampElement(text: string): OwnershipStamp | undefined {
  const element = /<[\w.-]+:stamp\s[^<>]*>/.exec(text)?.[0];
  if (element === undefined) {
    return undefined;
  }
  const stamp = stampAmong(parser().parse(element) as XmlNode, []);
  return stamp && isXslt(text) ? mapFields(stamp, singleBraces) : stamp;
}

/** The owner in words, for errors: `LibvirtVm "web" of corral/dev (stamp 0123456789abcdef)`. */
export function describeOwner(stamp: OwnershipStamp): string {
  return `${stamp.component} "${stamp.name}" of ${stamp.project}/${stamp.stack} (stamp ${stamp.id})`;
}

/**
 * The stamp's element for an XSLT stylesheet, where braces in an attribute stand for an XPath
 * expression unless they are doubled.
 */
export function renderXsltStampElement(stamp: OwnershipStamp): string {
  return renderStampElement(mapFields(stamp, doubleBraces));
}

/** Text for an attribute of an XSLT stylesheet that means itself, not an XPath expression. */
export function doubleBraces(text: string): string {
  return text.replace(/[{}]/g, "$&$&");
}

function singleBraces(text: string): string {
  return text.replace(/\{\{|\}\}/g, (pair) => pair.charAt(0));
}

function isXslt(text: string): boolean {
  return text.includes("http://www.w3.org/1999/XSL/Transform");
}

function mapFields(
  stamp: OwnershipStamp,
  change: (text: string) => string,
): OwnershipStamp {
  return stampFields((field) => change(stamp[field]));
}

/** A stamp whose fields a function tells. */
export function stampFields(
  value: (field: (typeof STAMP_FIELDS)[number]) => string,
): OwnershipStamp {
  return {
    id: value("id"),
    project: value("project"),
    stack: value("stack"),
    component: value("component"),
    name: value("name"),
  };
}

/** Prefixes are free in XML: what counts is the namespace, declared here or further out. */
function stampAmong(
  siblings: XmlNode,
  scopes: readonly (XmlNode | undefined)[],
): OwnershipStamp | undefined {
  for (const [key, value] of Object.entries(siblings)) {
    const match = /^(?:(.+):)?stamp$/.exec(key);
    if (match === null) {
      continue;
    }
    const declaration = match[1] === undefined ? "xmlns" : `xmlns:${match[1]}`;
    const node = asNode([value].flat()[0]);
    const namespace = [node, ...scopes].find(
      (scope) => scope?.[declaration] !== undefined,
    )?.[declaration];
    if (
      node &&
      namespace === STAMP_NAMESPACE &&
      STAMP_FIELDS.every((field) => typeof node[field] === "string")
    ) {
      return stampFields((field) => String(node[field]));
    }
  }
  return undefined;
}

function asNode(value: unknown): XmlNode | undefined {
  return typeof value === "object" && value !== null
    ? (value as XmlNode)
    : undefined;
}

function parser(): XMLParser {
  return new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: "",
    trimValues: false,
    htmlEntities: true,
  });
}
