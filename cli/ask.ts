import { createInterface } from "node:readline/promises";

/** How a question goes that must be answered with yes. */
export interface Agreement {
  /** It was answered beforehand, by `--yes`. */
  readonly yes: boolean;
  /** The error when nobody is there who can be asked. */
  readonly unasked: string;
  /** The error when the answer is no. */
  readonly declined: string;
}

/** Asks for leave. @throws Error when nobody gives it. */
export async function agree(
  question: string,
  { yes, unasked, declined }: Agreement,
): Promise<void> {
  if (yes) {
    return;
  }
  if (!isInteractive()) {
    throw new Error(unasked);
  }
  if (!(await confirm(question))) {
    throw new Error(declined);
  }
}

/** Asks a question on this terminal; anything but `yes` or `y` is no. */
async function confirm(question: string): Promise<boolean> {
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
  });
  try {
    const answer = await terminal.question(`${question} [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

/** Whether somebody is there who can be asked. */
function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}
