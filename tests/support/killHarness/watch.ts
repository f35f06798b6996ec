import * as fs from "node:fs";

/** Something that is waited for, and the way to stop waiting. */
export interface Watch {
  /** Becomes true when it came, false when the watch was closed before. */
  readonly came: Promise<boolean>;
  close(): void;
}

/**
 * Calls back at the very moment that a file appears in a folder, told by the kernel: what follows
 * shall hit a provider in the middle of its call.
 */
export function whenFileAppears(
  folder: string,
  name: RegExp,
  then: () => void,
): Watch {
  return watch(folder, () => {
    const isThere = fs.readdirSync(folder).some((entry) => name.test(entry));
    if (isThere) {
      then();
    }
    return isThere;
  });
}

/** An event of the engine, as far as kill points look at it. */
interface EngineEvent {
  readonly resourcePreEvent?: { readonly metadata: { readonly urn: string } };
  readonly resOutputsEvent?: { readonly metadata: { readonly urn: string } };
}

/** Calls back as soon as the engine has noted in its event log that a step begins. */
export function whenStepStarts(
  eventLog: string,
  urn: string,
  then: () => void,
): Watch {
  return watch(eventLog, () => {
    const began = readEvents(eventLog).some(
      ({ resourcePreEvent }) => resourcePreEvent?.metadata.urn === urn,
    );
    if (began) {
      then();
    }
    return began;
  });
}

/** Whether the engine knew that a step was done. */
export function stepEnded(eventLog: string, urn: string): boolean {
  return readEvents(eventLog).some(
    ({ resOutputsEvent }) => resOutputsEvent?.metadata.urn === urn,
  );
}

function readEvents(eventLog: string): EngineEvent[] {
  return fs
    .readFileSync(eventLog, "utf8")
    .split("\n")
    .flatMap((line) => parseLine(line) ?? []);
}

/** The last line may not be whole yet. */
function parseLine(line: string): EngineEvent | undefined {
  try {
    return JSON.parse(line) as EngineEvent;
  } catch {
    return undefined;
  }
}

/** @param look true when it came; called at every change until then. */
function watch(target: string, look: () => boolean): Watch {
  let settle: (came: boolean) => void = () => undefined;
  let isOver = false;
  const came = new Promise<boolean>((resolve) => {
    settle = resolve;
  });
  const end = (result: boolean) => {
    isOver = true;
    watcher.close();
    settle(result);
  };
  const check = () => {
    if (!isOver && look()) {
      end(true);
    }
  };
  const watcher = fs.watch(target, check);
  check(); // It may have been there before the watch began.
  return { came, close: () => !isOver && end(false) };
}
