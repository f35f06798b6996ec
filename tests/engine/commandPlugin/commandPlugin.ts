import * as path from "node:path";

import {
  fromPlain,
  mapFromWire,
  mapToWire,
} from "@corral-iac/corral-ops/frame/value";
import type { PropertyMap } from "@corral-iac/corral-ops/frame/value";
import { ensureToolchain } from "@corral-iac/tools/toolchain/index";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";

import {
  FakeEngine,
  PluginProcess,
  unary,
  urn,
} from "../provider/pluginProcess";

/** A resource as it stands in the state. */
export interface Stored {
  readonly id: string;
  readonly outputs: PropertyMap;
}

export interface Options {
  readonly preview?: boolean;
  readonly timeout?: number;
}

/** What a check says is wrong: property and reason. */
export type Faults = readonly (readonly [property: string, reason: string])[];

/**
 * The plugin "command" that the toolchain has, spoken to as the engine does. The values are plain
 * data, with the frame's `Secret` and `unknown` where they are meant.
 */
export class CommandPlugin {
  private constructor(
    readonly process: PluginProcess,
    private readonly engine: FakeEngine,
  ) {}

  static async start(env: NodeJS.ProcessEnv = {}): Promise<CommandPlugin> {
    const { pulumiHome } = await ensureToolchain(["commandPlugin"]);
    const program = path.join(
      pulumiHome,
      "plugins/resource-command-v1.2.1/pulumi-resource-command",
    );
    const engine = await FakeEngine.start();
    const process = await PluginProcess.start(engine.address, env, program);
    const plugin = new CommandPlugin(process, engine);
    await plugin.configure();
    return plugin;
  }

  async stop(): Promise<void> {
    await this.process.stop();
    this.engine.stop();
  }

  /** What was logged since the last call, in order. */
  takeLog(): { text: string; ephemeral: boolean }[] {
    const taken = this.engine.lines.splice(0);
    return taken.map(({ text, ephemeral }) => ({ text, ephemeral }));
  }

  configure(): Promise<messages.ConfigureResponse> {
    const request = new messages.ConfigureRequest()
      .setAcceptsecrets(true)
      .setAcceptresources(true)
      .setSendsOldInputs(true)
      .setSendsOldInputsToDelete(true);
    return unary((done) => this.process.client.configure(request, done));
  }

  async check(
    type: string,
    inputs: object,
  ): Promise<{ inputs: PropertyMap; faults: Faults }> {
    const response = await this.process.check(type, wire(inputs));
    return {
      inputs: read(response.getInputs()),
      faults: response
        .getFailuresList()
        .map((fault) => [fault.getProperty(), fault.getReason()]),
    };
  }

  /** Checks and creates, as the engine does. */
  async create(
    type: string,
    inputs: object,
    options: Options = {},
  ): Promise<Stored> {
    const checked = await this.check(type, inputs);
    const response = await this.process.create(
      type,
      mapToWire(checked.inputs),
      options,
    );
    return { id: response.getId(), outputs: read(response.getProperties()) };
  }

  async update(
    type: string,
    old: Stored,
    oldInputs: object,
    news: object,
    options: Options = {},
  ): Promise<PropertyMap> {
    const checked = [
      (await this.check(type, oldInputs)).inputs,
      (await this.check(type, news)).inputs,
    ] as const;
    const request = new messages.UpdateRequest()
      .setId(old.id)
      .setUrn(urn(type))
      .setType(type)
      .setName("thing")
      .setOlds(Struct.fromJavaScript(mapToWire(old.outputs)))
      .setOldInputs(Struct.fromJavaScript(mapToWire(checked[0])))
      .setNews(Struct.fromJavaScript(mapToWire(checked[1])))
      .setPreview(options.preview === true)
      .setTimeout(options.timeout ?? 0);
    const response = await unary<messages.UpdateResponse>((done) =>
      this.process.client.update(request, done),
    );
    return read(response.getProperties());
  }

  async remove(type: string, { id, outputs }: Stored): Promise<void> {
    const request = new messages.DeleteRequest()
      .setId(id)
      .setUrn(urn(type))
      .setType(type)
      .setName("thing")
      .setProperties(Struct.fromJavaScript(mapToWire(outputs)))
      .setOldInputs(new Struct());
    await unary((done) => this.process.client.delete(request, done));
  }

  /** The detailed diff: property and kind, as the engine's protocol numbers it. */
  async diff(
    type: string,
    olds: object,
    news: object,
  ): Promise<Record<string, Kind | undefined>> {
    const [before, after] = [
      (await this.check(type, olds)).inputs,
      (await this.check(type, news)).inputs,
    ];
    const response = await this.process.diff(
      type,
      mapToWire(before),
      mapToWire(after),
    );
    const found: Record<string, Kind | undefined> = {};
    response.getDetaileddiffMap().forEach((entry, property) => {
      found[property] = kinds[entry.getKind()];
    });
    return found;
  }

  async invoke(token: string): Promise<void> {
    const request = new messages.InvokeRequest()
      .setTok(token)
      .setArgs(new Struct());
    await unary((done) => this.process.client.invoke(request, done));
  }
}

const kinds = [
  "add",
  "add, replaces",
  "delete",
  "delete, replaces",
  "update",
  "update, replaces",
] as const;
type Kind = (typeof kinds)[number];

function wire(inputs: object) {
  return mapToWire(fromPlain(inputs) as PropertyMap);
}

function read(properties: Struct | undefined): PropertyMap {
  return mapFromWire(properties?.toJavaScript());
}

/** The text and code of the error that the call ends with; throws when it does not. */
export async function failure(
  call: Promise<unknown>,
): Promise<{ code: number; details: string }> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof Error && "code" in error && "details" in error) {
    return { code: Number(error.code), details: String(error.details) };
  }
  throw new Error(`not a failed call: ${String(error)}`);
}
