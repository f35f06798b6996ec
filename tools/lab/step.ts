import { stepLine } from "../toolchain/report";

/** Does a step that takes a while, and says so before and after. */
export async function step(
  what: string,
  outcome: string,
  log: (line: string) => void,
  body: () => Promise<void>,
): Promise<void> {
  const began = Date.now();
  log(`${what} ...`);
  await body();
  log(stepLine(what, outcome, (Date.now() - began) / 1000));
}
