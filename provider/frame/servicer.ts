import { messageOf } from "@corral-iac/corral/core/errors";
import { Metadata, status } from "@grpc/grpc-js";
import type {
  ServiceError,
  UntypedServiceImplementation,
  sendUnaryData,
} from "@grpc/grpc-js";
import type { ServerUnaryCall } from "@grpc/grpc-js";
import * as pluginMessages from "@pulumi/pulumi/proto/plugin_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";

import { formatChange } from "./diff";
import type { Change } from "./diff";
import type { EngineLog } from "./engineLog";
import { CancelledError, TimeoutError } from "./errors";
import { StoredFailure } from "./host";
import type { Request, ResourceHost } from "./host";
import type { Operations } from "./operations";
import { mapFromWire, mapToWire } from "./value";
import type { PropertyMap } from "./value";

export interface PluginFacts {
  readonly version: string;
  readonly schema: () => string;
}

/** Everything the servicer needs. */
export interface Servicer {
  readonly host: ResourceHost;
  readonly operations: Operations;
  readonly log: EngineLog;
  readonly facts: PluginFacts;
}

type Handler<Q, R> = (request: Q) => Promise<R> | R;

/** Pulumi's ResourceProvider service. What is not here answers "unimplemented", which is right. */
export function providerService({
  host,
  operations,
  log,
  facts,
}: Servicer): UntypedServiceImplementation {
  function unary<Q, R>(handler: Handler<Q, R>) {
    return (call: ServerUnaryCall<Q, R>, answer: sendUnaryData<R>) => {
      Promise.resolve()
        .then(() => handler(call.request))
        .then(
          async (response) => {
            await log.flush();
            answer(null, response);
          },
          async (error: unknown) => {
            await log.flush();
            answer(asServiceError(error));
          },
        );
    };
  }

  return {
    handshake: unary((request: messages.ProviderHandshakeRequest) => {
      log.connect(request.getEngineAddress());
      return new messages.ProviderHandshakeResponse()
        .setAcceptSecrets(true)
        .setAcceptResources(true)
        .setAcceptOutputs(true);
    }),

    attach: unary((request: pluginMessages.PluginAttach) => {
      log.connect(request.getAddress());
      return new Empty();
    }),

    getPluginInfo: unary(() =>
      new pluginMessages.PluginInfo().setVersion(facts.version),
    ),

    getSchema: unary((request: messages.GetSchemaRequest) => {
      if (request.getVersion() !== 0) {
        throw new Error(
          `schema version ${request.getVersion()} is not known; known is 0`,
        );
      }
      return new messages.GetSchemaResponse().setSchema(facts.schema());
    }),

    checkConfig: unary((request: messages.CheckRequest) =>
      new messages.CheckResponse().setInputs(request.getNews()),
    ),

    diffConfig: unary(() =>
      new messages.DiffResponse().setChanges(
        messages.DiffResponse.DiffChanges.DIFF_NONE,
      ),
    ),

    configure: unary(() =>
      new messages.ConfigureResponse()
        .setAcceptsecrets(true)
        .setAcceptresources(true)
        .setAcceptoutputs(true)
        .setSupportspreview(true),
    ),

    check: unary((request: messages.CheckRequest) => {
      const { inputs, faults } = host.check(
        typeOf(request),
        properties(request.getNews()),
      );
      const failures = faults.map(({ path, reason }) =>
        new messages.CheckFailure()
          .setProperty(path)
          .setReason(`${path} ${reason}`),
      );
      return new messages.CheckResponse()
        .setInputs(struct(inputs))
        .setFailuresList(failures);
    }),

    diff: unary((request: messages.DiffRequest) => {
      const ignored = request.getIgnorechangesList();
      const type = typeOf(request);
      const changes = host.diff(
        type,
        {
          inputs: properties(request.getOldInputs() ?? request.getOlds()),
          outputs: properties(request.getOlds()),
        },
        properties(request.getNews()),
        ignored,
      );
      return diffResponse(
        changes,
        host.resource(type).deleteBeforeReplace === true,
      );
    }),

    create: unary(async (request: messages.CreateRequest) => {
      const inputs = properties(request.getProperties());
      if (request.getPreview()) {
        const outputs = await host.preview(about(request), inputs);
        return new messages.CreateResponse().setProperties(struct(outputs));
      }
      const { id, stored } = await host.create(about(request), inputs);
      return new messages.CreateResponse()
        .setId(id)
        .setProperties(struct(stored.outputs));
    }),

    read: unary(async (request: messages.ReadRequest) => {
      const old = {
        inputs: properties(request.getInputs()),
        outputs: properties(request.getProperties()),
      };
      const found = await host.read(about(request), request.getId(), old);
      const response = new messages.ReadResponse();
      if (found) {
        response.setId(request.getId());
        response
          .setProperties(struct(found.outputs))
          .setInputs(struct(found.inputs));
      }
      return response;
    }),

    update: unary(async (request: messages.UpdateRequest) => {
      const old = {
        inputs: properties(request.getOldInputs()),
        outputs: properties(request.getOlds()),
      };
      const inputs = properties(request.getNews());
      if (request.getPreview()) {
        const outputs = await host.preview(about(request), inputs, old);
        return new messages.UpdateResponse().setProperties(struct(outputs));
      }
      const { stored } = await host.update(
        about(request),
        request.getId(),
        old,
        inputs,
      );
      return new messages.UpdateResponse().setProperties(
        struct(stored.outputs),
      );
    }),

    delete: unary(async (request: messages.DeleteRequest) => {
      const old = {
        inputs: properties(request.getOldInputs()),
        outputs: properties(request.getProperties()),
      };
      await host.delete({ ...about(request) }, request.getId(), old);
      return new Empty();
    }),

    cancel: unary(() => {
      operations.cancelAll("stopped, because the update was cancelled");
      return new Empty();
    }),

    getMapping: unary(() => new messages.GetMappingResponse()),
    getMappings: unary(() => new messages.GetMappingsResponse()),
  };
}

interface Identified {
  getUrn(): string;
  getType(): string;
  getName(): string;
}

/** Engines before 3.130 sent no type: the URN has it. `urn:pulumi:STACK::PROJECT::A$B::NAME` */
function typeOf(request: Identified): string {
  return (
    request.getType() ||
    (request.getUrn().split("::")[2]?.split("$").pop() ?? "")
  );
}

function about(request: Identified & { getTimeout?(): number }): Request {
  return {
    urn: request.getUrn(),
    type: typeOf(request),
    name: request.getName() || request.getUrn().split("::").slice(3).join("::"),
    timeoutSeconds: request.getTimeout?.() ?? 0,
  };
}

function properties(data: Struct | undefined): PropertyMap {
  return mapFromWire(data?.toJavaScript());
}

function struct(map: PropertyMap): Struct {
  return Struct.fromJavaScript(mapToWire(map));
}

function diffResponse(
  changes: readonly Change[],
  deleteBeforeReplace: boolean,
) {
  const { PropertyDiff, DiffResponse } = messages;
  const response = new DiffResponse();
  const { DIFF_NONE, DIFF_SOME } = DiffResponse.DiffChanges;
  response
    .setChanges(changes.length > 0 ? DIFF_SOME : DIFF_NONE)
    .setHasdetaileddiff(true);
  const topLevel = (some: readonly Change[]) => [
    ...new Set(some.map(({ path }) => `${path[0]}`)),
  ];
  const replacing = changes.filter((change) => change.replaces);
  response.setDiffsList(topLevel(changes)).setReplacesList(topLevel(replacing));
  response.setDeletebeforereplace(replacing.length > 0 && deleteBeforeReplace);
  const { ADD, ADD_REPLACE, DELETE, DELETE_REPLACE, UPDATE, UPDATE_REPLACE } =
    PropertyDiff.Kind;
  const kinds = { add: ADD, delete: DELETE, update: UPDATE };
  const replaceKinds = {
    add: ADD_REPLACE,
    delete: DELETE_REPLACE,
    update: UPDATE_REPLACE,
  };
  for (const change of changes) {
    const kind = (change.replaces ? replaceKinds : kinds)[change.kind];
    const entry = new PropertyDiff().setKind(kind).setInputdiff(true);
    response.getDetaileddiffMap().set(formatChange(change), entry);
  }
  return response;
}

function asServiceError(error: unknown): Partial<ServiceError> {
  const details = messageOf(error);
  if (error instanceof StoredFailure) {
    return {
      code: status.UNKNOWN,
      details,
      metadata: initFailureMetadata(error),
    };
  }
  if (error instanceof CancelledError) {
    return { code: status.CANCELLED, details };
  }
  if (error instanceof TimeoutError) {
    return { code: status.DEADLINE_EXCEEDED, details };
  }
  return { code: status.UNKNOWN, details };
}

/** The form in which gRPC for Go carries details of an error. */
function initFailureMetadata(failure: StoredFailure): Metadata {
  const detail = new messages.ErrorResourceInitFailed()
    .setId(failure.id)
    .setProperties(struct(failure.stored.outputs))
    .setInputs(struct(failure.stored.inputs))
    .setReasonsList([...failure.reasons]);
  const packed = new Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const whole = new Status()
    .setCode(status.UNKNOWN)
    .setMessage(failure.message);
  whole.addDetails(packed);
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(whole.serializeBinary()));
  return metadata;
}
