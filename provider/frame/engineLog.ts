import { Metadata, credentials } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest } from "@pulumi/pulumi/proto/engine_pb";

import type { ResourceLog } from "./context";
import type { Redactor } from "./redact";

type Severity = "debug" | "info" | "warning" | "error";

const severityNumbers: Record<Severity, 0 | 1 | 2 | 3> = {
  debug: 0,
  info: 1,
  warning: 2,
  error: 3,
};

/**
 * The engine's log. Lines are sent one after the other, so that they keep their order; a line that
 * cannot be delivered is dropped, because nothing may depend on it.
 */
export class EngineLog {
  private client: EngineClient | undefined;
  private last: Promise<void> = Promise.resolve();

  constructor(private address: string | undefined) {}

  /** Another engine attached itself. */
  connect(address: string): void {
    this.client?.close();
    this.client = undefined;
    this.address = address;
  }

  send(severity: Severity, message: string, urn = "", ephemeral = false): void {
    this.last = this.last.then(() =>
      this.deliver(severity, message, urn, ephemeral),
    );
  }

  /** Settles when all lines are delivered, or after the bound. */
  async flush(boundMilliseconds = 500): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const bound = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, boundMilliseconds);
    });
    await Promise.race([this.last, bound]);
    clearTimeout(timer);
  }

  forResource(urn: string, redactor: Redactor): ResourceLog {
    const line = (severity: Severity, ephemeral = false) => {
      return (message: string) =>
        this.send(severity, redactor.text(message), urn, ephemeral);
    };
    return {
      debug: line("debug"),
      info: line("info"),
      warn: line("warning"),
      error: line("error"),
      status: line("info", true),
    };
  }

  close(): void {
    this.client?.close();
    this.client = undefined;
  }

  private async deliver(
    severity: Severity,
    message: string,
    urn: string,
    ephemeral: boolean,
  ): Promise<void> {
    if (!this.address) {
      return;
    }
    this.client ??= new EngineClient(
      this.address,
      credentials.createInsecure(),
    );
    const client = this.client;
    const request = new LogRequest();
    request.setSeverity(severityNumbers[severity]);
    request.setMessage(message);
    request.setUrn(urn);
    request.setEphemeral(ephemeral);
    await new Promise<void>((resolve) => {
      client.log(request, new Metadata(), { deadline: Date.now() + 5000 }, () =>
        resolve(),
      );
    });
  }
}
