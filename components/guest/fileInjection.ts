import { devNull } from "node:os";
import * as pulumi from "@pulumi/pulumi";
import { LONGEST_SHARED_NAME } from "../core/nameRule";
import { checkComponent } from "../shared/checkArgs";
import { stampComponent } from "../shared/identity";
import { withSecrets } from "../shared/secrets";
import type { FileInjectionArgs, InjectedFile } from "./fileInjectionArgs";
import {
  type PlannedFile,
  planFiles,
  validateFileInjection,
} from "./injectedFiles";
import { openConnection } from "./openConnection";
import { GuestFiles, type GuestFilesFile } from "./ops/guestFiles";

/**
 * Files put into a guest over ssh, and kept there as declared: by text, from files or from whole
 * folders, with owner, group and permissions.
 */
export class FileInjection extends pulumi.ComponentResource {
  /** Paths in the guest of all files that were put there. */
  public readonly destinations: pulumi.Output<string[]>;

  constructor(
    name: string,
    args: FileInjectionArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("corral:index:FileInjection", name, forState(args), opts);
    const checked = checkComponent(
      { type: "FileInjection", name, longestName: LONGEST_SHARED_NAME },
      args,
      validateFileInjection,
    );
    const { stampResource } = stampComponent(
      this,
      "FileInjection",
      name,
      checked,
    );

    const files = new GuestFiles(
      `${name}-files`,
      {
        connection: openConnection(args.connection),
        ownerId: stampResource.stampId,
        files: Object.fromEntries(
          planFiles(args.files).map((planned) => [
            planned.destination,
            guestFile(planned, args.files[planned.index] as InjectedFile),
          ]),
        ),
        onDelete: args.onDelete,
        timeoutSeconds: args.timeoutSeconds,
      },
      {
        parent: this,
        deleteBeforeReplace: true,
        deletedWith: opts?.deletedWith,
      },
    );

    this.destinations = files.destinations;
    this.registerOutputs({ destinations: this.destinations });
  }
}

/** What the state keeps of the arguments: no content, and no path of this computer. */
function forState(args: FileInjectionArgs): object {
  return {
    ...withSecrets(args, ["privateKey"]),
    files: filesForState(args.files),
  };
}

/** What the state keeps of files among a component's arguments. */
export function filesForState(files: unknown): object[] {
  return (Array.isArray(files) ? (files as InjectedFile[]) : []).map(
    ({ destination, owner, group, mode, secret }) => ({
      ...{ destination, owner, group, mode, secret },
    }),
  );
}

/**
 * The content is an asset: previews show that it changes, and how its hash does, but not what stands
 * in it. A given text would be shown, so it is always handled as a secret.
 */
function guestFile(
  { path, executable }: PlannedFile,
  file: InjectedFile,
): GuestFilesFile {
  const { owner, group } = file;
  const isSecret = pulumi.output(
    file.secret ?? pulumi.isSecret(pulumi.output(file.content)),
  );
  return {
    content: contentOf(path, file),
    owner,
    group,
    mode: pulumi
      .all([file.mode, isSecret])
      .apply(
        ([mode, secret]) =>
          mode?.padStart(4, "0") ?? defaultMode(executable, secret),
      ),
  };
}

function contentOf(
  path: string | undefined,
  { content, secret }: InjectedFile,
): pulumi.Input<pulumi.asset.Asset> {
  if (path === undefined) {
    return pulumi
      .output(content ?? "")
      .apply((text) => pulumi.secret(textAsset(text)));
  }
  const asset = new pulumi.asset.FileAsset(path);
  return secret ? pulumi.secret(asset) : asset;
}

/** Pulumi's SDK fails on a StringAsset without any text. */
function textAsset(text: string): pulumi.asset.Asset {
  return text === ""
    ? new pulumi.asset.FileAsset(devNull)
    : new pulumi.asset.StringAsset(text);
}

function defaultMode(executable: boolean, secret: boolean): string {
  const mode = executable ? 0o755 : 0o644;
  return (secret ? mode & 0o700 : mode).toString(8).padStart(4, "0");
}
