import type { Fault } from "../core/faults";
import { isRecord } from "../core/later";
import { nfsShareRules } from "../core/nfsShare";
import { compileSchemaCheck } from "../core/schemaCheck";
import { connectionRules } from "./guestRules";
import schema from "./nfsMount.schema.json";

const shape = compileSchemaCheck(
  { ...schema, $ref: "#/definitions/NfsMountArgs" },
  ["privateKey"],
);

/** Every fault in the arguments of an NfsMount. Values that are `LATER` pass. */
export function validateNfsMount(args: unknown): Fault[] {
  return [
    ...shape(args),
    ...nfsShareRules("", args),
    ...(isRecord(args) ? connectionRules("connection", args.connection) : []),
  ];
}
