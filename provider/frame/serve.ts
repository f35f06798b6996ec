import { messageOf } from "@corral-iac/corral/core/errors";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";

import type { AnyResource } from "./define";
import { EngineLog } from "./engineLog";
import { ResourceHost } from "./host";
import { watchParent } from "./lifetime";
import { Operations } from "./operations";
import type { PackageFacts } from "./schema";
import { pulumiSchema } from "./schema";
import { providerService } from "./servicer";

export interface Plugin {
  readonly facts: PackageFacts;
  readonly resources: readonly AnyResource[];
  /** Ends what lives longer than an operation, such as pooled connections. */
  readonly close: () => Promise<void> | void;
}

/** Messages hold whole files: the same bound as the engine's own. */
const maxMessageBytes = 400 * 1024 * 1024;
/** The engine kills a plugin 5 s after it asked it to end. */
const shutdownMilliseconds = 3000;

/**
 * Serves the plugin to the engine that started this process, prints the port as the engine expects,
 * and ends the process when the engine asks for it or is gone.
 */
export async function serve(
  plugin: Plugin,
  args: readonly string[],
): Promise<void> {
  const log = new EngineLog(engineAddress(args));
  const operations = new Operations();
  const host = new ResourceHost(plugin.resources, operations, (urn, redactor) =>
    log.forResource(urn, redactor),
  );
  const schema = () =>
    JSON.stringify(pulumiSchema(plugin.facts, plugin.resources));
  const facts = { version: plugin.facts.version, schema };

  const server = new Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
  });
  server.addService(
    ResourceProviderService,
    providerService({ host, operations, log, facts }),
  );

  let ending = false;
  const end = (reason: string, exitCode: number) => {
    if (ending) {
      return;
    }
    ending = true;
    const giveUp = () => {
      // An engine that is there still ends the plugin itself.
      if (operations.isUnwinding) {
        setTimeout(giveUp, shutdownMilliseconds);
      } else {
        process.exit(exitCode);
      }
    };
    setTimeout(giveUp, shutdownMilliseconds);
    operations.cancelAll(reason);
    void (async () => {
      if (operations.count > 0) {
        await operations.idle();
        // The answers to what was stopped still have to go out.
        await bounded((done) => server.tryShutdown(done), 1000);
      }
      await plugin.close();
      process.exit(exitCode);
    })();
  };
  process.on("SIGINT", () =>
    end("stopped, because the engine is shutting down", 0),
  );
  process.on("SIGTERM", () =>
    end("stopped, because the engine is shutting down", 0),
  );
  watchParent((sign) => end(`stopped, because the engine is gone: ${sign}`, 0));
  // The engine closes its end of the pipes when it goes: that must not become an error of its own.
  process.stdout.on("error", () =>
    end("stopped, because the engine is gone", 0),
  );
  process.stderr.on("error", () => undefined);
  process.on("unhandledRejection", (error) =>
    log.send("error", `corral-ops: unexpected error: ${messageOf(error)}`),
  );
  process.on("uncaughtException", (error) => {
    log.send(
      "error",
      `corral-ops: unexpected error: ${error.stack ?? error.message}`,
    );
    end(`stopped by an unexpected error: ${error.message}`, 1);
  });

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      "127.0.0.1:0",
      ServerCredentials.createInsecure(),
      (error, bound) => (error ? reject(error) : resolve(bound)),
    );
  });
  process.stdout.write(`${port}\n`);
}

/** `pulumi-resource-corral-ops [--logtostderr] [-v=N] [--tracing URL] ENGINE`; absent when attached. */
function engineAddress(args: readonly string[]): string | undefined {
  const positional: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (arg === "--tracing") {
      index++;
    } else if (!arg.startsWith("-")) {
      positional.push(arg);
    }
  }
  return positional[0];
}

function bounded(
  start: (done: () => void) => void,
  milliseconds: number,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    start(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
