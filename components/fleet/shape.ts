import type { Fault } from "../core/faults";
import { isRecord } from "../core/later";
import { compileSchemaCheck, type SchemaCheck } from "../core/schemaCheck";
import { PROXMOX_SECRETS } from "../proxmox/validation";
import schema from "./fleet.schema.json";

const SECRETS = [...PROXMOX_SECRETS, "kubeconfig"];

/** By the parts of a fleet that they look at. */
const checks = new Map<string, SchemaCheck>();

/** What is wrong in a fleet by its JSON Schema. */
export function checkShape(fleet: unknown): Fault[] {
  const parts = isRecord(fleet)
    ? Object.keys(fleet).filter((part) => !isEmpty(fleet[part]))
    : [];
  const key = parts.sort().join();
  const check = checks.get(key) ?? compileSchemaCheck(schemaOf(parts), SECRETS);
  checks.set(key, check);
  return check(fleet);
}

/** The schema without its rules for absent parts: to compile these takes longer than all checks together. */
function schemaOf(parts: readonly string[]) {
  const { definitions } = schema;
  const rules = Object.entries(definitions.Fleet.properties);
  const properties = Object.fromEntries(
    rules.map(([part, rule]) => [part, parts.includes(part) ? rule : {}]),
  );
  return {
    ...schema,
    definitions: {
      ...definitions,
      Fleet: { ...definitions.Fleet, properties },
    },
  };
}

/** A part that says nothing; no rule can find fault with it. */
function isEmpty(part: unknown): boolean {
  return isRecord(part) && Object.keys(part).length === 0;
}
