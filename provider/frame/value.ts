/**
 * Property values as the Pulumi engine sends them: plain JSON, with objects of a special signature
 * for secrets, outputs, resource references, assets and archives, and reserved texts for values
 * that are not known yet. This file turns them into classes and back, losing nothing.
 *
 * Source of the signatures: github.com/pulumi/pulumi/sdk/v3/go/common/resource/sig and
 * .../plugin/rpc.go.
 */

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const assetSignature = "c44067f5952c0a294b673a41bacd8c17";

const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const unknownTexts = new Set([
  unknownText,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/** A value that is not known yet (only in a preview). */
export class Unknown {
  static readonly instance = new Unknown();
  private constructor() {}
}
export const unknown = Unknown.instance;

/** A value that must never be shown, and that is encrypted in the state. */
export class Secret {
  constructor(readonly value: PropertyValue) {}
}

/** A value with the resources that it comes from. */
export class OutputValue {
  constructor(
    readonly value: PropertyValue,
    readonly secret: boolean,
    readonly dependencies: readonly string[],
  ) {}
}

/**
 * A file or a text, compared by the hash of its content alone: where it comes from is no difference.
 * The engine works the hash out, and sends no more than that of assets in the state.
 */
export class Asset {
  constructor(
    /** SHA-256 of the content, in hexadecimal digits. */
    readonly hash: string,
    /** Where the content is; `undefined` where only its hash is known. */
    readonly source?:
      | { readonly text: string }
      | { readonly path: string }
      | { readonly uri: string },
  ) {}
}

const emptyHash =
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** A resource reference or an archive: carried along as it came. */
export class Opaque {
  constructor(readonly wire: { readonly [key: string]: unknown }) {}
}

export type PropertyValue =
  | null
  | boolean
  | number
  | string
  | Unknown
  | Secret
  | OutputValue
  | Asset
  | Opaque
  | readonly PropertyValue[]
  | PropertyMap;
export interface PropertyMap {
  readonly [key: string]: PropertyValue;
}

export function isMap(value: unknown): value is PropertyMap {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Unknown) &&
    !(value instanceof Secret) &&
    !(value instanceof OutputValue) &&
    !(value instanceof Asset) &&
    !(value instanceof Opaque)
  );
}

export function isList(value: unknown): value is readonly PropertyValue[] {
  return Array.isArray(value);
}

/** Reads what the engine sent. */
export function fromWire(wire: unknown): PropertyValue {
  if (typeof wire === "string") {
    return unknownTexts.has(wire) ? unknown : wire;
  }
  if (Array.isArray(wire)) {
    return wire.map(fromWire);
  }
  if (typeof wire === "object" && wire !== null) {
    const fields = wire as Record<string, unknown>;
    switch (fields[signatureKey]) {
      case undefined:
        return mapFromWire(fields);
      case secretSignature:
        return new Secret(fromWire(fields.value ?? null));
      case outputSignature:
        return new OutputValue(
          "value" in fields ? fromWire(fields.value) : unknown,
          fields.secret === true,
          Array.isArray(fields.dependencies)
            ? fields.dependencies.map(String)
            : [],
        );
      case assetSignature:
        return assetFromWire(fields);
      default:
        return new Opaque(fields);
    }
  }
  if (typeof wire === "number" || typeof wire === "boolean") {
    return wire;
  }
  return null;
}

/** The engine leaves an empty text away. */
function assetFromWire(fields: Record<string, unknown>): Asset {
  const { hash, text, path, uri } = fields;
  const known = typeof hash === "string" ? hash : "";
  if (typeof path === "string" && path !== "") {
    return new Asset(known, { path });
  }
  if (typeof uri === "string" && uri !== "") {
    return new Asset(known, { uri });
  }
  return typeof text === "string" || known === "" || known === emptyHash
    ? new Asset(known, { text: typeof text === "string" ? text : "" })
    : new Asset(known);
}

export function mapFromWire(
  wire: { readonly [key: string]: unknown } | undefined,
): PropertyMap {
  const result: Record<string, PropertyValue> = {};
  for (const [key, value] of Object.entries(wire ?? {})) {
    result[key] = fromWire(value);
  }
  return result;
}

/** Writes a value in the form that the engine reads. Fields that are `undefined` are left out. */
export function toWire(value: PropertyValue | undefined): JsonValue {
  if (value === undefined || value === null) {
    return null;
  }
  if (value instanceof Unknown) {
    return unknownText;
  }
  if (value instanceof Secret) {
    return { [signatureKey]: secretSignature, value: toWire(value.value) };
  }
  if (value instanceof OutputValue) {
    return {
      [signatureKey]: outputSignature,
      ...(value.value instanceof Unknown ? {} : { value: toWire(value.value) }),
      ...(value.secret ? { secret: true } : {}),
      ...(value.dependencies.length > 0
        ? { dependencies: [...value.dependencies] }
        : {}),
    };
  }
  if (value instanceof Asset) {
    return {
      [signatureKey]: assetSignature,
      ...(value.hash === "" ? {} : { hash: value.hash }),
      ...value.source,
    };
  }
  if (value instanceof Opaque) {
    return value.wire as JsonValue;
  }
  if (isList(value)) {
    return value.map(toWire);
  }
  if (isMap(value)) {
    return mapToWire(value);
  }
  return value;
}

export type JsonValue =
  null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

export function mapToWire(map: PropertyMap): { [key: string]: JsonValue } {
  const result: { [key: string]: JsonValue } = {};
  for (const [key, value] of Object.entries(map)) {
    if (value !== undefined) {
      result[key] = toWire(value);
    }
  }
  return result;
}

/** What is inside of secrets and outputs, at this level only. */
export function unwrap(
  value: PropertyValue,
): Exclude<PropertyValue, Secret | OutputValue> {
  let inner = value;
  while (inner instanceof Secret || inner instanceof OutputValue) {
    inner = inner.value;
  }
  return inner;
}

export function isSecret(value: PropertyValue): boolean {
  if (value instanceof Secret) {
    return true;
  }
  return (
    value instanceof OutputValue && (value.secret || isSecret(value.value))
  );
}

export function containsUnknown(value: PropertyValue): boolean {
  const inner = unwrap(value);
  if (inner instanceof Unknown) {
    return true;
  }
  if (isList(inner)) {
    return inner.some(containsUnknown);
  }
  return isMap(inner) && Object.values(inner).some(containsUnknown);
}

/**
 * The value without any wrapping, as a resource's own code wants it. Unknown values stay as the
 * `Unknown` instance, null fields are left out (Pulumi's languages differ in whether they send them).
 */
export function plain(value: PropertyValue): unknown {
  const inner = unwrap(value);
  if (isList(inner)) {
    return inner.map(plain);
  }
  if (isMap(inner)) {
    const result: Record<string, unknown> = {};
    for (const [key, field] of Object.entries(inner)) {
      const content = plain(field);
      if (content !== null) {
        result[key] = content;
      }
    }
    return result;
  }
  return inner;
}

/** Every text that stands inside of a secret, to keep it out of logs and errors. */
export function secretTexts(value: PropertyValue, inSecret = false): string[] {
  const secret = inSecret || isSecret(value);
  const inner = unwrap(value);
  if (isList(inner)) {
    return inner.flatMap((element) => secretTexts(element, secret));
  }
  if (isMap(inner)) {
    return Object.values(inner).flatMap((field) => secretTexts(field, secret));
  }
  if (!secret) {
    return [];
  }
  return typeof inner === "string"
    ? [inner]
    : typeof inner === "number"
      ? [String(inner)]
      : [];
}

/** Plain data as property values (`undefined` fields left out). */
export function fromPlain(value: unknown): PropertyValue {
  if (value === undefined || value === null) {
    return null;
  }
  if (Array.isArray(value)) {
    return value.map(fromPlain);
  }
  if (
    value instanceof Unknown ||
    value instanceof Secret ||
    value instanceof OutputValue ||
    value instanceof Asset ||
    value instanceof Opaque
  ) {
    return value;
  }
  if (typeof value === "object") {
    const result: Record<string, PropertyValue> = {};
    for (const [key, field] of Object.entries(value)) {
      if (field !== undefined) {
        result[key] = fromPlain(field);
      }
    }
    return result;
  }
  if (
    typeof value === "string" ||
    typeof value === "number" ||
    typeof value === "boolean"
  ) {
    return value;
  }
  throw new TypeError(`a ${typeof value} is not a property value`);
}
