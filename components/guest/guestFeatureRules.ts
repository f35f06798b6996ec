import {
  eachItem,
  field,
  knownNow,
  onlyWith,
  oneOf,
  textForm,
} from "../core/argumentRules";
import { type Fault, joinPath } from "../core/faults";
import { isRecord, isText } from "../core/later";
import { describeNameForm, isGoodName } from "../core/nameRule";
import { compileSchemaCheck } from "../core/schemaCheck";
import type { FeatureArgs } from "./guestFeatureArgs";
import schema from "./guestFeature.schema.json";
import { bastionRules, userName } from "./guestRules";

/** Arguments that are wrapped as secrets and whose values no fault shows. */
export const FEATURE_SECRETS = ["privateKey", "environment"];

const shape = compileSchemaCheck(
  { ...schema, $ref: "#/definitions/GuestFeatureArgs" },
  FEATURE_SECRETS,
);

/** Every fault in the arguments of a GuestFeature. Values that are `LATER` pass. */
export function validateGuestFeature(args: unknown): Fault[] {
  return [
    ...shape(args),
    ...featureRules("", args),
    ...textForm(
      "connection.host",
      field(args, "connection", "host"),
      (host) => host !== "",
      "an address or a host name; it is empty for a machine that was not waited for (ready.until)",
    ),
    ...bastionRules("connection.bastion", field(args, "connection", "bastion")),
    // Pulumi's own plugin for commands goes through one.
    ...(field(args, "connection", "bastion", "bastion") === undefined
      ? []
      : [
          {
            path: "connection.bastion.bastion",
            problem:
              "is given, must be left out: a GuestFeature goes through one bastion at most",
          },
        ]),
  ];
}

/**
 * What the JSON Schema cannot say of a machine's `features`: also that scripts have names, each its
 * own, because they stand in the names of resources.
 */
export function featureListRules(path: string, features: unknown): Fault[] {
  const names = Array.isArray(features) ? features.map(featureName) : [];
  return [
    ...knownNow(path, features),
    ...eachItem(path, features, (at, feature) => [
      ...featureRules(at, feature),
      ...(feature.script !== undefined && feature.name === undefined
        ? [{ path: `${at}.name`, problem: "is missing" }]
        : []),
    ]),
    ...names.flatMap((name, index) =>
      name !== undefined && names.indexOf(name) < index
        ? [
            {
              path: `${path}[${index}]`,
              problem: `is a second feature "${name}", must have a name of its own`,
            },
          ]
        : [],
    ),
  ];
}

/** What a feature is called in messages and in names of resources; undefined where it has none. */
export function featureName(feature: unknown): string | undefined {
  const { name, docker } = (
    isRecord(feature) ? feature : {}
  ) as Partial<FeatureArgs>;
  return isText(name) ? name : docker === undefined ? undefined : "docker";
}

/** What the JSON Schema of a feature cannot say. */
export function featureRules(path: string, feature: unknown): Fault[] {
  if (!isRecord(feature)) {
    return [];
  }
  const { docker, script, environment } = feature;
  const at = (name: string) => joinPath(path, name);
  return [
    ...oneOf(
      path,
      docker === undefined && script === undefined ? {} : { docker, script },
      ["docker", "script"],
      "required",
    ),
    ...["name", "check", "remove"].flatMap((name) =>
      onlyWith(at(name), feature, name, "script"),
    ),
    ...knownNow(at("docker"), docker),
    ...knownNow(at("name"), feature.name),
    ...textForm(
      at("name"),
      feature.name,
      (text) => isGoodName(text),
      describeNameForm(),
    ),
    ...["script", "check", "remove"].flatMap((name) =>
      scriptText(at(name), feature[name]),
    ),
    ...users(at("docker.users"), field(docker, "users")),
    ...(isRecord(environment)
      ? Object.entries(environment).flatMap(([name, value]) =>
          variable(at(`environment.${name}`), name, value),
        )
      : []),
  ];
}

/** Shown without its value: it is long, and may hold what nobody should read. */
function scriptText(path: string, value: unknown): Fault[] {
  if (!isText(value)) {
    return [];
  }
  const problem =
    value.trim() === ""
      ? "is empty, must be a shell script"
      : value.includes("\r")
        ? "has carriage returns, must have lines that end with a newline alone (LF)"
        : value.includes("\0")
          ? "has a NUL character, must be text"
          : undefined;
  return problem === undefined ? [] : [{ path, problem }];
}

function users(path: string, value: unknown): Fault[] {
  return Array.isArray(value)
    ? value.flatMap((name, index) => userName(`${path}[${index}]`, name))
    : [];
}

function variable(path: string, name: string, value: unknown): Fault[] {
  return [
    ...(/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
      ? []
      : [
          {
            path,
            problem:
              "is no name of a variable, must be letters, digits and _, and not start with a digit",
          },
        ]),
    ...(isText(value) && value.includes("\0")
      ? [{ path, problem: "has a NUL character, must be text" }]
      : []),
  ];
}
