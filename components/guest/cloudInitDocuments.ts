import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import {
  type CloudInitMountSpec,
  renderMetaData,
  renderNetworkConfig,
  renderUserData,
} from "../core/cloudInit";
import type { Access } from "./access";
import type { CloudInitArgs } from "./args";

/** The three documents of cloud-init's NoCloud data source. */
export interface CloudInitDocuments {
  /** A secret: it holds the guest's private host key. */
  readonly userData: pulumi.Output<string>;
  readonly metaData: pulumi.Output<string>;
  readonly networkConfig: pulumi.Output<string>;
  /** Changes whenever one of the documents does. */
  readonly digest: pulumi.Output<string>;
}

/** What a machine may have beside what every one has. */
export interface MoreDocuments {
  /** Default: DHCP on the interface with the MAC address. */
  readonly networkConfig?: pulumi.Output<string>;
  readonly mounts?: pulumi.Output<CloudInitMountSpec[]>;
}

/**
 * Renders the documents for a machine.
 *
 * @param name the component's name, the guest's host name where none is given.
 * @param instanceId cloud-init runs its first-boot part anew only on another instance id.
 */
export function cloudInitDocuments(
  name: string,
  args: CloudInitArgs | undefined,
  access: Access,
  macAddress: pulumi.Output<string>,
  instanceId: pulumi.Output<string>,
  more: MoreDocuments = {},
): CloudInitDocuments {
  const spec = pulumi
    .all([args ?? {}, more.mounts ?? []])
    .apply(([given, mounts]) => ({ hostname: name, ...given, mounts }));
  const { hostKeyPair, loginKeyPair } = access;
  const hostKey = hostKeyPair
    ? pulumi
        .all([hostKeyPair.privateKey, hostKeyPair.publicKey])
        .apply(([privateKey, publicKey]) => ({ privateKey, publicKey }))
    : pulumi.output(undefined);
  const login = loginKeyPair
    ? pulumi
        .all([access.user, loginKeyPair.publicKey])
        .apply(([user, publicKey]) => ({ user, publicKey }))
    : pulumi.output(undefined);

  const userData = pulumi.secret(
    pulumi
      .all([spec, hostKey, login])
      .apply(([known, key, user]) =>
        renderUserData(known, { hostKey: key, login: user }),
      ),
  );
  const metaData = pulumi
    .all([spec, instanceId])
    .apply(([known, id]) => renderMetaData(id, known.hostname));
  const networkConfig =
    more.networkConfig ?? macAddress.apply((mac) => renderNetworkConfig(mac));
  const digest = pulumi
    .all([userData, metaData, networkConfig])
    .apply((documents) =>
      createHash("sha256").update(documents.join("\0")).digest("hex"),
    );
  return { userData, metaData, networkConfig, digest: pulumi.unsecret(digest) };
}
