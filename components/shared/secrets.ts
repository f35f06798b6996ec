import * as pulumi from "@pulumi/pulumi";

/**
 * Wraps every value under one of the given property names as a secret, at any depth. A component's
 * arguments are kept in the state, so this happens before they reach `super`. An Output that holds
 * such a value becomes a secret as a whole.
 */
export function withSecrets<T>(args: T, names: readonly string[]): T {
  return wrap(args, names) as T;
}

function wrap(value: unknown, names: readonly string[]): unknown {
  if (pulumi.Output.isInstance(value) || value instanceof Promise) {
    return pulumi
      .output(value as pulumi.Input<object>)
      .apply((inner) => pulumi.output(wrap(inner, names)));
  }
  if (Array.isArray(value)) {
    return value.map((item) => wrap(item, names));
  }
  if (!isPlainObject(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      names.includes(key) && inner !== undefined
        ? pulumi.secret(inner)
        : wrap(inner, names),
    ]),
  );
}

/** Resources, assets and archives are left as they are. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
