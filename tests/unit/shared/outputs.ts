import * as pulumi from "@pulumi/pulumi";

/** The value of an Output; rejects when the Output failed. */
export function known<T>(output: pulumi.Input<T>): Promise<unknown> {
  return (
    pulumi.output(output) as unknown as { promise(): Promise<T> }
  ).promise();
}

/** An Output as a preview has it for what the engine will only know after the update. */
export function unknownOutput<T>(): pulumi.Output<T> {
  const Output = pulumi.Output as unknown as new (
    resources: Set<pulumi.Resource>,
    promise: Promise<unknown>,
    isKnown: Promise<boolean>,
    isSecret: Promise<boolean>,
    allResources: Promise<Set<pulumi.Resource>>,
  ) => pulumi.Output<T>;
  return new Output(
    new Set(),
    Promise.resolve(undefined),
    Promise.resolve(false),
    Promise.resolve(false),
    Promise.resolve(new Set()),
  );
}

/** Puts mocks in the engine's place, which make every resource as it was asked for. */
export function mockEngine({ preview = false } = {}): void {
  pulumi.runtime.setMocks(
    {
      newResource: ({ inputs }) => ({ id: "id", state: inputs as object }),
      call: ({ inputs }) => inputs as Record<string, unknown>,
    },
    "project",
    "stack",
    preview,
  );
}
