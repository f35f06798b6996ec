import { openSocket } from "../ssh/connect";
import { SshError } from "../ssh/errors";
import type { SshPool, SshSession } from "../ssh/pool";
import type { SshTarget } from "../ssh/target";

import { askCloudInit } from "./cloudInit";
import { failed, ready, waiting } from "./probe";
import type { CloudInitOutcome, Finding, GuestAccess } from "./probe";

const portSeconds = 5;
const commandSeconds = 60;

/** What a guest answers by itself, over the network. */
export class SshAccess implements GuestAccess {
  constructor(
    private readonly pool: SshPool,
    private readonly settings: Omit<SshTarget, "host">,
  ) {}

  private target(address: string): SshTarget {
    return { ...this.settings, host: address };
  }

  async port(address: string, signal: AbortSignal): Promise<Finding<void>> {
    const { port, bastion } = this.settings;
    try {
      if (bastion) {
        await this.pool.use(bastion, signal, async (session) => {
          const options = { signal, timeoutSeconds: portSeconds };
          (await session.forward(address, port, options)).destroy();
        });
      } else {
        (await openSocket(address, port, portSeconds, signal)).destroy();
      }
      return ready(undefined);
    } catch (error) {
      return whenNotThere(error);
    }
  }

  async login(address: string, signal: AbortSignal): Promise<Finding<void>> {
    return this.withSession(address, signal, async (session) => {
      // While a system boots, a login may succeed and still be turned away (pam_nologin).
      const result = await session.exec("true", {
        signal,
        timeoutSeconds: commandSeconds,
      });
      return result.code === 0
        ? ready(undefined)
        : waiting(
            `the login is turned away: ${oneLine(result.stdout + result.stderr)}`,
          );
    });
  }

  async cloudInit(
    address: string,
    signal: AbortSignal,
  ): Promise<Finding<CloudInitOutcome>> {
    return this.withSession(address, signal, (session) =>
      askCloudInit((command) =>
        session.exec(command, { signal, timeoutSeconds: commandSeconds }),
      ),
    );
  }

  private async withSession<T>(
    address: string,
    signal: AbortSignal,
    work: (session: SshSession) => Promise<Finding<T>>,
  ): Promise<Finding<T>> {
    try {
      return await this.pool.use(this.target(address), signal, work);
    } catch (error) {
      return whenNotThere(error);
    }
  }
}

/**
 * A guest that boots refuses and breaks off in every way: only a key that cannot be read is final. A
 * look that we stopped ourselves has seen nothing.
 */
function whenNotThere(error: unknown): Finding<never> {
  if (error instanceof SshError) {
    if (error.fault === "aborted") {
      return waiting("");
    }
    return error.fault === "privateKey"
      ? failed(
          error.message,
          "Give a private key in OpenSSH's format, without a passphrase.",
        )
      : waiting(error.message);
  }
  throw error;
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, " ") || "no reason given";
}
