import { LibvirtClient } from "@corral-iac/corral/core/libvirt-client/client";
import { parseLibvirtUri } from "@corral-iac/corral/core/libvirt-client/uri";
import { Type } from "@sinclair/typebox";
import type { SchemaOptions } from "@sinclair/typebox";

import type { Fault } from "../frame/define";
import { readFaults } from "./readFaults";

/** A connection URI, as several resources take it. */
export function uriField(options: SchemaOptions = {}) {
  return Type.String({
    minLength: 1,
    description: "libvirt connection URI, for instance `qemu:///system`.",
    ...options,
  });
}

/** A fault if the value is a text, but not a connection URI. */
export function uriFaults(path: string, value: unknown): Fault[] {
  return readFaults(path, value, parseLibvirtUri);
}

/** A client for the URI; tests put one of their own here. */
export function libvirtAt(uri: string): LibvirtClient {
  return new LibvirtClient(uri);
}
