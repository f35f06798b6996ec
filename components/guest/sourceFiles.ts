import * as fs from "node:fs";
import * as path from "node:path";
import { foldersAbove } from "../core/guestFiles";

/** A regular file below a source. */
export interface SourceFile {
  /** As the engine and the provider find it, which work in the program's folder too. */
  readonly path: string;
  /** Where it lies in the source, with slashes; empty where the source is the file itself. */
  readonly within: string;
  /** Whether its owner may execute it. */
  readonly executable: boolean;
}

export interface Source {
  readonly files: readonly SourceFile[];
  /** What is wrong, each of it a sentence without its subject. */
  readonly problems: readonly string[];
}

/** More files belong into an archive or an image: each of them stands in the state. */
export const MOST_SOURCE_FILES = 5000;

/**
 * Lists the files of a source, in the order of their names. A symbolic link to a file counts as that
 * file. Reads no content.
 */
export function listSource(source: string): Source {
  const files: SourceFile[] = [];
  const problems: string[] = [];
  const visit = (file: string, within: string): void => {
    const subject = within === "" ? "" : `holds ${within}, which `;
    const stat = statOf(file);
    if (typeof stat === "string") {
      problems.push(subject + stat);
    } else if (stat.isDirectory()) {
      if (within !== "" && fs.lstatSync(file).isSymbolicLink()) {
        problems.push(
          `${subject}is a symbolic link to a folder: put the folder itself there, or declare it as a source of its own`,
        );
        return;
      }
      const names = namesIn(file);
      if (typeof names === "string") {
        problems.push(subject + names);
        return;
      }
      for (const name of names) {
        visit(
          path.join(file, name),
          within === "" ? name : `${within}/${name}`,
        );
      }
    } else if (!stat.isFile()) {
      problems.push(`${subject}is neither a file nor a folder`);
    } else if (!isReadable(file)) {
      problems.push(`${subject}cannot be read (EACCES)`);
    } else {
      files.push({
        path: file,
        within,
        executable: (stat.mode & 0o100) !== 0,
      });
    }
  };
  visit(fromProgram(source), "");
  if (files.length > MOST_SOURCE_FILES) {
    problems.push(
      `holds ${files.length} files, at most ${MOST_SOURCE_FILES} are allowed: put them into an archive`,
    );
  }
  return { files, problems };
}

/** Relative to the program's folder where it lies in there, so that no state holds a clone's path. */
function fromProgram(source: string): string {
  const relative = path.relative(process.cwd(), path.resolve(source));
  const isInside =
    !foldersAbove(`/${relative}`).includes("/..") &&
    relative !== ".." &&
    !path.isAbsolute(relative);
  return isInside || !path.isAbsolute(source) ? relative || "." : source;
}

function statOf(file: string): fs.Stats | string {
  try {
    return fs.statSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT") {
      return `cannot be read (${code})`;
    }
    return isBrokenLink(file)
      ? "is a symbolic link to nothing"
      : `does not exist on the machine that runs this program; looked from ${process.cwd()}`;
  }
}

function isBrokenLink(file: string): boolean {
  return (
    fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true
  );
}

function namesIn(folder: string): string[] | string {
  try {
    return fs.readdirSync(folder).sort();
  } catch (error) {
    return `cannot be read (${(error as NodeJS.ErrnoException).code})`;
  }
}

function isReadable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
