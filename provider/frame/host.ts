import { messageOf } from "@corral-iac/corral/core/errors";
import type { TObject } from "@sinclair/typebox";

import { checkInputs } from "./check";
import type { Checked } from "./check";
import type { OperationContext, ResourceLog } from "./context";
import type { AnyResource, InputsToCheck, State } from "./define";
import { diffInputs } from "./diff";
import type { Change } from "./diff";
import { CancelledError, PartialFailure, RefusedError } from "./errors";
import { markSecretOutputs, normalize } from "./normalize";
import type { Operations } from "./operations";
import { Redactor } from "./redact";
import {
  OutputValue,
  Secret,
  fromPlain,
  isList,
  isMap,
  plain,
  secretTexts,
  toWire,
  unknown,
} from "./value";
import type { PropertyMap, PropertyValue } from "./value";

type Plain = Record<string, unknown>;

/** What the engine says of the resource in each call. */
export interface Request {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** customTimeouts in seconds, 0 for none. */
  readonly timeoutSeconds: number;
}

export interface Stored {
  readonly inputs: PropertyMap;
  readonly outputs: PropertyMap;
}

/** The failure of an operation that left something behind; already free of secrets in its texts. */
export class StoredFailure extends Error {
  constructor(
    readonly id: string,
    readonly stored: Stored,
    readonly reasons: readonly string[],
  ) {
    super(reasons.join("\n"));
  }
}

/**
 * Runs the resources' own code on behalf of the engine: everything between the wire and the
 * resource, free of gRPC.
 */
export class ResourceHost {
  private readonly byToken: ReadonlyMap<string, AnyResource>;

  constructor(
    resources: readonly AnyResource[],
    private readonly operations: Operations,
    private readonly logFor: (urn: string, redactor: Redactor) => ResourceLog,
  ) {
    this.byToken = new Map(
      resources.map((resource) => [resource.token, resource]),
    );
  }

  resource(type: string): AnyResource {
    const found = this.byToken.get(type);
    if (!found) {
      const known = [...this.byToken.keys()].join(", ");
      throw new Error(
        `corral-ops has no resource type ${type}; it has ${known}`,
      );
    }
    return found;
  }

  check(type: string, inputs: PropertyMap): Checked {
    return checkInputs(this.resource(type), inputs);
  }

  /** @throws Error with every change that the resource refuses. */
  diff(
    type: string,
    old: Stored,
    news: PropertyMap,
    ignore: readonly string[],
  ): Change[] {
    const resource = this.resource(type);
    const changes = diffInputs(resource.inputs, old.inputs, news, ignore);
    const refused =
      changes.length === 0
        ? undefined
        : resource.refusals?.(
            plainState(resource, old),
            plain(normalize(resource.inputs, news)) as InputsToCheck<Plain>,
          );
    if (refused !== undefined && refused.length > 0) {
      const lines = refused.map(({ path, reason }) => `${path} ${reason}`);
      throw new Error(secretsOf(news, old).text(lines.join("\n")));
    }
    return changes;
  }

  /** What a preview shows of the outputs. Nothing acts. */
  async preview(
    request: Request,
    inputs: PropertyMap,
    old?: Stored,
  ): Promise<PropertyMap> {
    const resource = this.resource(request.type);
    const normal = normalize(resource.inputs, inputs);
    const secrets = secretsOf(normal, old);
    const given = plain(normal) as InputsToCheck<Plain>;
    const before = old && plainState(resource, old);
    const foreseen: Plain = {
      ...(resource.foresee === undefined
        ? resource.preview?.(given, before)
        : await this.foresee(resource, request, secrets, normal, before)),
    };
    if (old && !resource.update) {
      Object.assign(foreseen, plain(old.outputs), foreseen);
    }
    const outputs: Record<string, PropertyValue> = {};
    for (const name of Object.keys(resource.outputs.properties)) {
      outputs[name] = name in foreseen ? fromPlain(foreseen[name]) : unknown;
    }
    return this.asOutputs(resource, outputs, secrets);
  }

  private async foresee(
    resource: AnyResource,
    request: Request,
    secrets: Redactor,
    inputs: PropertyMap,
    old: State<Plain, Plain> | undefined,
  ): Promise<Plain> {
    try {
      return await this.run(
        "preview",
        request,
        secrets,
        inputs,
        async (ctx) => ({
          ...(await resource.foresee?.(
            ctx,
            plain(inputs) as InputsToCheck<Plain>,
            old,
          )),
        }),
      );
    } catch (error) {
      if (error instanceof CancelledError || error instanceof RefusedError) {
        throw error;
      }
      this.logFor(request.urn, secrets).warn(
        `this cannot be foreseen: ${messageOf(error)}`,
      );
      return {};
    }
  }

  async create(
    request: Request,
    inputs: PropertyMap,
  ): Promise<{ id: string; stored: Stored }> {
    const resource = this.resource(request.type);
    const normal = normalize(resource.inputs, inputs);
    const secrets = secretsOf(normal);
    return this.run("create", request, secrets, normal, async (ctx) => {
      const { id, outputs } = await resource.create(
        ctx,
        plain(normal) as Plain,
      );
      return { id, stored: this.stored(resource, normal, outputs, secrets) };
    });
  }

  async update(
    request: Request,
    id: string,
    old: Stored,
    inputs: PropertyMap,
  ): Promise<{ id: string; stored: Stored }> {
    const resource = this.resource(request.type);
    const normal = normalize(resource.inputs, inputs);
    const secrets = secretsOf(normal, old);
    return this.run("update", request, secrets, normal, async (ctx) => {
      const before = plainState(resource, old);
      const outputs = resource.update
        ? await resource.update(ctx, id, before, plain(normal) as Plain)
        : before.outputs;
      return { id, stored: this.stored(resource, normal, outputs, secrets) };
    });
  }

  /** `undefined`: the resource is gone. */
  async read(
    request: Request,
    id: string,
    old: Stored,
  ): Promise<Stored | undefined> {
    const resource = this.resource(request.type);
    if (
      Object.keys(old.inputs).length === 0 &&
      Object.keys(old.outputs).length === 0
    ) {
      throw new Error(
        `${request.type} cannot be imported: declare it, and let Pulumi create it`,
      );
    }
    const { read } = resource;
    if (!read) {
      return old;
    }
    const secrets = secretsOf(old.inputs, old);
    return this.run("read", request, secrets, old.inputs, async (ctx) => {
      const found = await read.call(
        resource,
        ctx,
        id,
        plainState(resource, old),
      );
      if (!found) {
        return undefined;
      }
      const inputs = keepFieldWrapping(
        old.inputs,
        normalize(resource.inputs, asMap(found.inputs)),
      );
      return this.stored(resource, inputs, found.outputs, secrets);
    });
  }

  async delete(request: Request, id: string, old: Stored): Promise<void> {
    const resource = this.resource(request.type);
    await this.run(
      "delete",
      request,
      secretsOf(old.inputs, old),
      old.inputs,
      async (ctx) => {
        await resource.delete?.(ctx, id, plainState(resource, old));
      },
    );
  }

  private async run<T>(
    what: string,
    request: Request,
    secrets: Redactor,
    inputs: PropertyMap,
    work: (ctx: OperationContext) => Promise<T>,
  ): Promise<T> {
    const log = this.logFor(request.urn, secrets);
    const bounds = { what, timeoutSeconds: request.timeoutSeconds };
    try {
      return await this.operations.run(bounds, (signal, deadline, unwind) =>
        work({
          urn: request.urn,
          name: request.name,
          log,
          signal,
          deadline,
          unwind,
        }),
      );
    } catch (error) {
      if (error instanceof PartialFailure) {
        const resource = this.resource(request.type);
        const stored = this.stored(resource, inputs, error.outputs, secrets);
        const reasons = error.reasons.map((reason) => secrets.text(reason));
        throw new StoredFailure(error.id, stored, reasons);
      }
      if (error instanceof Error) {
        error.message = secrets.text(error.message);
        throw error;
      }
      throw new Error(secrets.text(messageOf(error)), { cause: error });
    }
  }

  private stored(
    resource: AnyResource,
    inputs: PropertyMap,
    outputs: object,
    secrets: Redactor,
  ): Stored {
    return {
      inputs,
      outputs: this.asOutputs(resource, asMap(outputs), secrets),
    };
  }

  /** An output that holds a secret of the inputs is a secret too, whatever its schema says. */
  private asOutputs(
    resource: AnyResource,
    outputs: PropertyMap,
    secrets: Redactor,
  ): PropertyMap {
    return markSecretOutputs(resource.outputs, outputs, (value) =>
      secrets.contains(toWire(value)),
    );
  }
}

function asMap(data: object): PropertyMap {
  return fromPlain(data) as PropertyMap;
}

function secretsOf(inputs: PropertyMap, old?: Stored): Redactor {
  return new Redactor([
    ...secretTexts(inputs),
    ...(old ? [...secretTexts(old.inputs), ...secretTexts(old.outputs)] : []),
  ]);
}

/** State as it was stored, perhaps by an older version of this provider: defaults are filled in. */
function plainState(resource: AnyResource, old: Stored): State<Plain, Plain> {
  const complete = (schema: TObject, map: PropertyMap) =>
    plain(normalize(schema, map)) as Plain;
  return {
    inputs: complete(resource.inputs, old.inputs),
    outputs: complete(resource.outputs, old.outputs),
  };
}

/** The fresh values in the wrapping of the old ones, however deep: what was a secret stays one. */
function keepWrapping(
  old: PropertyValue | undefined,
  fresh: PropertyValue,
): PropertyValue {
  if (fresh instanceof Secret) {
    const inner = old instanceof Secret ? old.value : old;
    return new Secret(keepWrapping(inner, fresh.value));
  }
  if (old instanceof Secret) {
    return new Secret(keepWrapping(old.value, fresh));
  }
  if (old instanceof OutputValue) {
    const inner = keepWrapping(old.value, fresh);
    return new OutputValue(inner, old.secret, old.dependencies);
  }
  if (isList(fresh) && isList(old)) {
    return fresh.map((element, index) => keepWrapping(old[index], element));
  }
  return isMap(fresh) && isMap(old) ? keepFieldWrapping(old, fresh) : fresh;
}

function keepFieldWrapping(old: PropertyMap, fresh: PropertyMap): PropertyMap {
  return Object.fromEntries(
    Object.entries(fresh).map(([key, value]) => [
      key,
      keepWrapping(old[key], value),
    ]),
  );
}
