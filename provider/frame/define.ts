import { Kind, Type, TypeRegistry } from "@sinclair/typebox";
import type {
  ObjectOptions,
  SchemaOptions,
  Static,
  TObject,
  TProperties,
} from "@sinclair/typebox";

import type { OperationContext } from "./context";
import { Asset } from "./value";
import type { Unknown } from "./value";

declare module "@sinclair/typebox" {
  interface SchemaOptions {
    /** Never shown, encrypted in the state, whether or not the program marked it so. */
    secret?: boolean;
    /** A change of this value replaces the resource. */
    replaces?: boolean;
    /** Says what a change of others means: a change of it alone is none of the resource. */
    policy?: boolean;
    /** What is allowed, in words, where the schema's own limits do not say it well. */
    allowed?: string;
  }
}

/** One thing that is wrong with the inputs. */
export interface Fault {
  /** Where, for instance `ssh.port` or `files[2].path`. */
  readonly path: string;
  /** What it is and what is allowed, without the path. */
  readonly reason: string;
}

/** A value during a preview: any part of it may not be known yet. */
export type MaybeUnknown<T> =
  | Unknown
  | (T extends readonly (infer E)[]
      ? MaybeUnknown<E>[]
      : T extends object
        ? { [K in keyof T]: MaybeUnknown<T[K]> }
        : T);
export type InputsToCheck<T> = { [K in keyof T]: MaybeUnknown<T[K]> };

export interface State<I, O> {
  readonly inputs: I;
  readonly outputs: O;
}

export interface Created<O> {
  /** Id by which the resource is found again; never empty. */
  readonly id: string;
  readonly outputs: O;
}

/** All that the frame must know of a resource. `I` and `O` are its inputs and outputs. */
export interface ResourceHandlers<I, O> {
  /** Checks that go across several inputs. Runs in previews too, so parts may be unknown. */
  checks?(inputs: InputsToCheck<I>): Fault[];
  /**
   * Changes that must not be made, whether by an update or by a replacement. Runs in previews too,
   * so new inputs may be unknown; and in a refresh, with what `read` found as the old state.
   */
  refusals?(old: State<I, O>, inputs: InputsToCheck<I>): Fault[];
  create(ctx: OperationContext, inputs: I): Promise<Created<O>>;
  /**
   * What a preview can say of the outputs; the ones left out are unknown. Must not act.
   * `old` is there for an update.
   */
  preview?(inputs: InputsToCheck<I>, old?: State<I, O>): Partial<O>;
  /**
   * Like `preview`, and may look at what is there; goes before it. When it fails the preview goes on:
   * the user is told why, and the outputs are unknown. A RefusedError fails the preview.
   */
  foresee?(
    ctx: OperationContext,
    inputs: InputsToCheck<I>,
    old?: State<I, O>,
  ): Promise<Partial<O>>;
  /** What is there now. `undefined`: it is gone. Must not wait. Left out: the state is trusted. */
  read?(
    ctx: OperationContext,
    id: string,
    state: State<I, O>,
  ): Promise<State<I, O> | undefined>;
  /** Left out: the new inputs are recorded, the outputs stay. */
  update?(
    ctx: OperationContext,
    id: string,
    old: State<I, O>,
    inputs: I,
  ): Promise<O>;
  /** Left out: nothing is to be removed. Must succeed if the thing is gone already. */
  delete?(ctx: OperationContext, id: string, state: State<I, O>): Promise<void>;
}

export interface ResourceDefinition<
  I extends TObject = TObject,
  O extends TObject = TObject,
> extends ResourceHandlers<Static<I>, Static<O>> {
  /** Pulumi type, for instance `corral-ops:index:Stamp`. */
  readonly token: string;
  readonly description: string;
  readonly inputs: I;
  readonly outputs: O;
  /** Replacing deletes the old one before the new one is made (default: after). */
  readonly deleteBeforeReplace?: boolean;
}

/** A definition whose types are forgotten, as the frame handles them all alike. */
export type AnyResource = ResourceDefinition<TObject, TObject>;

/** Declares a resource. The handlers' types come from the two schemas. */
export function defineResource<I extends TObject, O extends TObject>(
  definition: ResourceDefinition<I, O>,
): ResourceDefinition<I, O> {
  return definition;
}

/** An object that refuses fields that it does not know. Nested ones need a `title`: their type's name. */
export function fields<P extends TProperties>(
  properties: P,
  options: ObjectOptions = {},
): TObject<P> {
  return Type.Object(properties, { ...options, additionalProperties: false });
}

/** One of several texts; `title` becomes the enum's name in every language. */
export function choice<const T extends string>(
  values: readonly T[],
  options: SchemaOptions,
) {
  return Type.Union(
    values.map((value) => Type.Literal(value)),
    options,
  ) as ReturnType<typeof Type.Unsafe<T>>;
}

TypeRegistry.Set("Asset", (_schema, value) => value instanceof Asset);

/** A file or a text, as the program's `FileAsset` or `StringAsset`; compared by its content alone. */
export function asset(options: SchemaOptions) {
  return Type.Unsafe<Asset>({
    allowed: "a file asset or a text asset",
    ...options,
    [Kind]: "Asset",
  });
}
