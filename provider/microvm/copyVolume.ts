import { Transform } from "node:stream";

import { hostPaths } from "@corral-iac/corral/core/microvm/paths";
import {
  keepScript,
  receiveScript,
} from "@corral-iac/corral/core/microvm/scripts/arriving";
import type { Incoming } from "@corral-iac/corral/core/microvm/scripts/arriving";
import {
  sendScript,
  sumScript,
} from "@corral-iac/corral/core/microvm/scripts/leaving";
import type {
  Leaver,
  Leaving,
} from "@corral-iac/corral/core/microvm/scripts/leaving";

import type { Connection } from "../guest/connectionFields";
import { HostShell } from "./hostShell";

/** What a step may take beside the time for its data. */
const STEP_SECONDS = 600;

/** A copy from one host to the other. */
export interface Copying {
  readonly from: Connection;
  readonly to: Connection;
  readonly leaver: Leaver;
  readonly mark: Leaving;
  readonly incoming: Incoming;
  readonly signal: AbortSignal;
  /** Gets how many bytes more have passed. */
  readonly passed: (bytes: number) => void;
}

/** Copies a volume's data between hosts, through this process, and makes sure that it is the same. */
export async function copyVolume(copying: Copying): Promise<void> {
  const { from, to, leaver, mark, incoming, passed } = copying;
  const { volume } = incoming;
  const name = `${leaver.machine}/${volume}`;
  const timeoutSeconds = STEP_SECONDS + Math.ceil(incoming.bytes / 1024 ** 2);
  const pipe = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed(chunk.length);
      done(null, chunk);
    },
  });
  // Its end says why it ended; the data itself has no reader any more then.
  pipe.on("error", () => undefined);
  const [sum] = await together<[string, unknown, unknown]>(
    copying.signal,
    (signal) => {
      const source = new HostShell(from, signal);
      return [
        source
          .run({
            what: `summing up ${name}`,
            script: sumScript(leaver, volume, hostPaths),
            timeoutSeconds,
          })
          .then((answer) => answer.must("sum")),
        source.run({
          what: `reading ${name}`,
          script: sendScript(leaver, volume, mark, hostPaths),
          stdoutTo: pipe,
          timeoutSeconds,
        }),
        new HostShell(to, signal).run({
          what: `writing ${name}`,
          script: receiveScript(leaver, incoming, hostPaths),
          data: () => pipe,
          timeoutSeconds,
        }),
      ];
    },
  );
  await new HostShell(to, copying.signal).run({
    what: `checking ${name}`,
    script: keepScript(leaver, incoming, sum, hostPaths),
    timeoutSeconds,
  });
}

/** Runs steps that need each other: the first one to fail stops the others, and all have ended then. */
async function together<T extends readonly unknown[]>(
  outer: AbortSignal,
  start: (signal: AbortSignal) => { [K in keyof T]: Promise<T[K]> },
): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  outer.addEventListener("abort", abort);
  if (outer.aborted) {
    abort();
  }
  const steps = start(controller.signal);
  try {
    return (await Promise.all(steps)) as unknown as T;
  } catch (error) {
    controller.abort();
    await Promise.allSettled(steps);
    throw error;
  } finally {
    outer.removeEventListener("abort", abort);
  }
}
