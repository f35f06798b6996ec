import * as fs from "node:fs";

/**
 * Calls `ended` when the engine that started this process is gone, so that the plugin never lives
 * on by itself. Two signs, because either may be missing: the pipe on standard input, which the
 * engine holds open, ends; the process gets another parent.
 */
export function watchParent(
  ended: (sign: string) => void,
  everyMilliseconds = 1000,
): void {
  if (isPipe(0)) {
    const onEnd = () => ended("standard input was closed");
    process.stdin.on("end", onEnd).on("error", onEnd).resume();
  }
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) {
      ended("the parent process is gone");
    }
  }, everyMilliseconds).unref();
}

/** A plugin that was started by hand, or by another tool, may have anything else there. */
function isPipe(descriptor: number): boolean {
  try {
    const stat = fs.fstatSync(descriptor);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}
