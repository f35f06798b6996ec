import type { ResourceLog } from "../frame/context";

const EVERY_MILLISECONDS = 1000;
const MIB = 1024 ** 2;

/** Tells how far a copy of volumes has come: `copying volume data: 120 of 512 MiB`. */
export class CopyProgress {
  private done = 0;
  private told = 0;
  private readonly total: number;

  constructor(
    private readonly log: Pick<ResourceLog, "status">,
    volumes: readonly { readonly usedBytes: number }[],
    private readonly now: () => number = Date.now,
  ) {
    this.total = volumes.reduce((sum, { usedBytes }) => sum + usedBytes, 0);
  }

  add(bytes: number): void {
    this.done += bytes;
    const now = this.now();
    if (now - this.told >= EVERY_MILLISECONDS) {
      this.told = now;
      const mib = (count: number) => Math.ceil(count / MIB);
      // What surrounds the data in its archive is no data.
      const shown = Math.min(mib(this.done), mib(this.total));
      this.log.status(
        `copying volume data: ${shown} of ${mib(this.total)} MiB`,
      );
    }
  }
}
