import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import * as path from "node:path";

import { Server, ServerCredentials, credentials } from "@grpc/grpc-js";
import type {
  ServerUnaryCall,
  ServiceError,
  sendUnaryData,
} from "@grpc/grpc-js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";

/** The bundled plugin, as the engine starts it. */
export const pluginProgram = path.resolve(
  __dirname,
  "../../../../provider/bin/pulumi-resource-corral-ops",
);

export type Properties = Record<string, JavaScriptValue>;

/** A line that the plugin sent to the engine's log. */
export interface LogLine {
  readonly text: string;
  readonly urn: string;
  readonly ephemeral: boolean;
}

/** The log of an engine, and nothing else of it. */
export class FakeEngine {
  private constructor(
    private readonly server: Server,
    readonly address: string,
    /** In the order in which they came. */
    readonly lines: LogLine[],
  ) {}

  static async start(): Promise<FakeEngine> {
    const server = new Server();
    const lines: LogLine[] = [];
    server.addService(EngineService, {
      log: (
        call: ServerUnaryCall<LogRequest, Empty>,
        answer: sendUnaryData<Empty>,
      ) => {
        const { request } = call;
        const [text, urn, ephemeral] = [
          request.getMessage(),
          request.getUrn(),
          request.getEphemeral(),
        ];
        lines.push({ text, urn, ephemeral });
        answer(null, new Empty());
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(
        "127.0.0.1:0",
        ServerCredentials.createInsecure(),
        (error, bound) => (error ? reject(error) : resolve(bound)),
      );
    });
    return new FakeEngine(server, `127.0.0.1:${port}`, lines);
  }

  stop(): void {
    this.server.forceShutdown();
  }
}

/** A running plugin and a client for it. */
export class PluginProcess {
  private constructor(
    readonly child: ChildProcess,
    readonly client: ResourceProviderClient,
    readonly startMilliseconds: number,
  ) {}

  static async start(
    engineAddress: string,
    env: NodeJS.ProcessEnv = {},
    program = pluginProgram,
  ): Promise<PluginProcess> {
    const began = Date.now();
    const child = spawn(program, [engineAddress], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...env },
    });
    const port = await firstLine(child);
    const took = Date.now() - began;
    const client = new ResourceProviderClient(
      `127.0.0.1:${port}`,
      credentials.createInsecure(),
    );
    return new PluginProcess(child, client, took);
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Exit code. */
  async exit(): Promise<number | null> {
    if (!this.ended) {
      await new Promise((resolve) => this.child.once("exit", resolve));
    }
    return this.child.exitCode;
  }

  async stop(): Promise<void> {
    this.client.close();
    this.child.kill("SIGKILL");
    await this.exit();
  }

  create(
    type: string,
    inputs: Properties,
    options: { preview?: boolean; timeout?: number } = {},
  ) {
    const request = new messages.CreateRequest()
      .setUrn(urn(type))
      .setType(token(type))
      .setName("thing")
      .setProperties(Struct.fromJavaScript(inputs))
      .setPreview(options.preview === true)
      .setTimeout(options.timeout ?? 0);
    return unary<messages.CreateResponse>((done) =>
      this.client.create(request, done),
    );
  }

  check(type: string, inputs: Properties) {
    const request = new messages.CheckRequest()
      .setUrn(urn(type))
      .setType(token(type))
      .setNews(Struct.fromJavaScript(inputs))
      .setOlds(new Struct());
    return unary<messages.CheckResponse>((done) =>
      this.client.check(request, done),
    );
  }

  diff(type: string, olds: Properties, news: Properties) {
    const request = new messages.DiffRequest()
      .setUrn(urn(type))
      .setType(token(type))
      .setId("x")
      .setOldInputs(Struct.fromJavaScript(olds))
      .setNews(Struct.fromJavaScript(news));
    return unary<messages.DiffResponse>((done) =>
      this.client.diff(request, done),
    );
  }

  read(type: string, inputs: Properties, outputs: Properties) {
    const request = new messages.ReadRequest()
      .setUrn(urn(type))
      .setType(token(type))
      .setId("x")
      .setInputs(Struct.fromJavaScript(inputs))
      .setProperties(Struct.fromJavaScript(outputs));
    return unary<messages.ReadResponse>((done) =>
      this.client.read(request, done),
    );
  }

  schema() {
    const request = new messages.GetSchemaRequest();
    return unary<messages.GetSchemaResponse>((done) =>
      this.client.getSchema(request, done),
    );
  }

  cancel() {
    return unary<Empty>((done) => this.client.cancel(new Empty(), done));
  }
}

export function urn(type: string): string {
  return `urn:pulumi:s::p::${token(type)}::thing`;
}

/** Types of our own provider may be given without their package. */
function token(type: string): string {
  return type.includes(":") ? type : `corral-ops:index:${type}`;
}

/** A call of the client as a promise. */
export function unary<T>(
  call: (done: (error: ServiceError | null, response: T) => void) => unknown,
) {
  return new Promise<T>((resolve, reject) => {
    call((error, response) => (error ? reject(error) : resolve(response)));
  });
}

/** The first line that a process writes; throws if it ends before that. */
export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) {
        resolve(text.split("\n")[0] ?? "");
      }
    });
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new Error(`ended with code ${code} before it said anything`)),
    );
  });
}
