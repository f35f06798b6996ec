import { posix } from "node:path";
import { eachItem, knownNow, oneOf, textForm } from "../core/argumentRules";
import { type Fault, show } from "../core/faults";
import {
  destinationProblem,
  MODE_ALLOWED,
  MODE_PATTERN,
  nestedDestinations,
  OWNER_ALLOWED,
  OWNER_PATTERN,
} from "../core/guestFiles";
import { isRecord, isText } from "../core/later";
import { compileSchemaCheck } from "../core/schemaCheck";
import schema from "./fileInjection.schema.json";
import { listSource, type Source } from "./sourceFiles";

/** A file as it will be in the guest. */
export interface PlannedFile {
  readonly destination: string;
  /** Which of the declared files it belongs to. */
  readonly index: number;
  /** The local file; undefined where the content is given. */
  readonly path: string | undefined;
  readonly executable: boolean;
}

/** Arguments whose values no fault shows. */
export const SECRET_FILE_ARGUMENTS = ["privateKey", "content"];

const shape = compileSchemaCheck(
  { ...schema, $ref: "#/definitions/FileInjectionArgs" },
  SECRET_FILE_ARGUMENTS,
);

/** Every fault in the arguments of a FileInjection, its sources looked at. `LATER` values pass. */
export function validateFileInjection(args: unknown): Fault[] {
  if (!isRecord(args)) {
    return shape(args);
  }
  const shaped = shape(args);
  const ruled = fileListRules(args.files, shaped.length === 0);
  return [...shaped, ...ruled];
}

/**
 * What the JSON Schema cannot say of `files`, its sources looked at.
 *
 * @param isShaped whether they are of the right shape: where that, a destination or a source is
 *   wrong, what follows from it is no fault of its own.
 */
export function fileListRules(files: unknown, isShaped = true): Fault[] {
  const faults = [
    ...knownNow("files", files),
    ...eachItem("files", files, fileRules),
  ];
  return faults.length > 0 || !isShaped ? faults : placeFaults(files);
}

function fileRules(path: string, file: Record<string, unknown>): Fault[] {
  const { source, content, destination, owner, group, mode } = file;
  return [
    ...["source", "destination", "secret"].flatMap((name) =>
      knownNow(`${path}.${name}`, file[name]),
    ),
    ...oneOf(
      path,
      source === undefined && content === undefined ? {} : { source, content },
      ["source", "content"],
      "required",
    ),
    ...destinationFaults(`${path}.destination`, destination, source),
    ...sourceFaults(`${path}.source`, source),
    ...ownerRule(`${path}.owner`, owner),
    ...ownerRule(`${path}.group`, group),
    ...textForm(
      `${path}.mode`,
      mode,
      (text) => new RegExp(MODE_PATTERN).test(text),
      MODE_ALLOWED,
    ),
  ];
}

function ownerRule(path: string, value: unknown): Fault[] {
  const form = new RegExp(OWNER_PATTERN);
  return textForm(path, value, (text) => form.test(text), OWNER_ALLOWED);
}

/** Of a folder the destination may end with a slash, or be the root. */
function destinationFaults(
  path: string,
  destination: unknown,
  source: unknown,
): Fault[] {
  if (!isText(destination)) {
    return [];
  }
  const problem = destinationProblem(
    isText(source) ? posix.join(destination, "x") : tidy(destination),
  );
  return problem === undefined
    ? []
    : [{ path, problem: `is ${show(destination)}, ${problem}` }];
}

function sourceFaults(path: string, source: unknown): Fault[] {
  if (!isText(source)) {
    return [];
  }
  return listSource(source).problems.map((problem) => ({
    path,
    problem: `is ${show(source)}, ${problem}`,
  }));
}

/** Two files in one place, and files in the place of folders. */
function placeFaults(files: unknown): Fault[] {
  const planned = planFiles(files);
  const first = new Map<string, number>();
  const faults: Fault[] = [];
  for (const { destination, index } of planned) {
    const other = first.get(destination);
    if (other !== undefined) {
      faults.push({
        path: `files[${index}].destination`,
        problem: `puts ${show(destination)} there, and so does files[${other}]; each file can be there once`,
      });
    }
    first.set(destination, other ?? index);
  }
  for (const { file, inside } of nestedDestinations([...first.keys()])) {
    faults.push({
      path: `files[${first.get(inside)}].destination`,
      problem: `puts ${show(inside)} into ${show(file)}, which is a file by files[${first.get(file)}]`,
    });
  }
  return faults;
}

/** All files that the declared ones mean, folders taken apart. Their arguments are sound. */
export function planFiles(files: unknown): PlannedFile[] {
  return (Array.isArray(files) ? files : []).flatMap((file, index) => {
    if (!isRecord(file) || !isText(file.destination)) {
      return [];
    }
    const { destination, source } = file;
    if (!isText(source)) {
      const only = { index, path: undefined, executable: false };
      return [{ destination: tidy(destination), ...only }];
    }
    return filesOf(listSource(source), destination, index);
  });
}

function filesOf(
  { files }: Source,
  destination: string,
  index: number,
): PlannedFile[] {
  return files.map(({ path, within, executable }) => ({
    destination: tidy(
      within === "" ? destination : posix.join(destination, within),
    ),
    index,
    path,
    executable,
  }));
}

/** `/etc//x` and `/etc/./x` are `/etc/x`; a slash at the end stays. */
function tidy(destination: string): string {
  return posix.normalize(destination);
}
