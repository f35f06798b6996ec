import * as net from "node:net";

/** Longest time for one command of QEMU's monitor. */
const seconds = 20;

/**
 * Gives a command to a QEMU by its monitor (QMP).
 *
 * @returns false when no QEMU listens at the socket.
 * @throws Error with what QEMU answered when it refuses.
 */
export function command(socket: string, request: object): Promise<boolean> {
  return new Promise<boolean>((resolve, reject) => {
    const connection = net.connect(socket);
    let text = "";
    let isGreeted = false;
    connection.setTimeout(seconds * 1000, () =>
      connection.destroy(new Error(`QEMU did not answer at ${socket}`)),
    );
    connection.on("connect", () => {
      connection.write(`{"execute":"qmp_capabilities"}\n`);
    });
    connection.on("data", (chunk) => {
      text += chunk.toString("utf8");
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines.filter((one) => one.trim() !== "")) {
        const answer = JSON.parse(line) as {
          return?: unknown;
          error?: { desc: string };
        };
        if (answer.error !== undefined) {
          connection.destroy(new Error(`QEMU: ${answer.error.desc}`));
        } else if (answer.return !== undefined && isGreeted) {
          connection.end();
          resolve(true);
        } else if (answer.return !== undefined) {
          isGreeted = true;
          connection.write(`${JSON.stringify(request)}\n`);
        }
      }
    });
    connection.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ECONNREFUSED") {
        resolve(false);
      } else {
        reject(error);
      }
    });
    connection.on("close", () => {
      reject(new Error(`QEMU closed ${socket} before it answered`));
    });
  });
}

/** Whether a guest's agent answers at its socket. */
export function agentAnswers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = net.connect(socket);
    const end = (answers: boolean) => {
      connection.destroy();
      resolve(answers);
    };
    connection.setTimeout(2000, () => end(false));
    connection.on("error", () => end(false));
    connection.on("connect", () =>
      connection.write('{"execute":"guest-ping"}\n'),
    );
    connection.on("data", (chunk) => end(chunk.toString().includes("return")));
  });
}
