import assert from "node:assert/strict";

import type { OperationContext } from "@corral-iac/corral-ops/frame/context";
import { defineResource, fields } from "@corral-iac/corral-ops/frame/define";
import {
  PartialFailure,
  RefusedError,
} from "@corral-iac/corral-ops/frame/errors";
import { ResourceHost, StoredFailure } from "@corral-iac/corral-ops/frame/host";
import { Operations } from "@corral-iac/corral-ops/frame/operations";
import { Secret, isSecret, unknown } from "@corral-iac/corral-ops/frame/value";
import { Type } from "@sinclair/typebox";

const password = "correct-horse";
const request = {
  urn: "urn:pulumi:s::p::corral-ops:index:Thing::t",
  type: "corral-ops:index:Thing",
  name: "t",
  timeoutSeconds: 0,
};

interface Behaviour {
  create?: (
    ctx: OperationContext,
  ) => Promise<{ id: string; outputs: { size: number; note: string } }>;
  present?: boolean;
}

function hostWith(behaviour: Behaviour = {}) {
  const lines: string[] = [];
  const thing = defineResource({
    token: request.type,
    description: "For tests.",
    inputs: fields({
      size: Type.Integer({ default: 1 }),
      password: Type.String({ secret: true }),
      parts: Type.Optional(
        Type.Record(
          Type.String(),
          fields({ note: Type.String() }, { title: "ThingPart" }),
        ),
      ),
    }),
    outputs: fields({ size: Type.Integer(), note: Type.String() }),
    create: async (ctx, { size }) =>
      (await behaviour.create?.(ctx)) ?? {
        id: "id-1",
        outputs: { size, note: "fine" },
      },
    refusals: ({ outputs }, { size, password: given }) =>
      typeof size === "number" && size < outputs.size
        ? [{ path: "size", reason: `is ${size}, said ${String(given)}` }]
        : [],
    preview: ({ size }) => (typeof size === "number" ? { size } : {}),
    read: async (_ctx, _id, { inputs, outputs }) =>
      behaviour.present === false
        ? undefined
        : {
            inputs: {
              ...inputs,
              size: 9,
              ...(inputs.parts && {
                parts: { a: { note: "changed" }, b: { note: "new" } },
              }),
            },
            outputs,
          },
    update: async (_ctx, _id, old, { size }) => ({ ...old.outputs, size }),
  });
  const write = (redact: (line: string) => string) => (line: string) =>
    void lines.push(redact(line));
  const host = new ResourceHost([thing], new Operations(), (_urn, redactor) => {
    const line = write((text) => redactor.text(text));
    return { debug: line, info: line, warn: line, error: line, status: line };
  });
  return { host, lines };
}

const inputs = { password: new Secret(password) };
const stored = {
  inputs: { size: 1, ...inputs },
  outputs: { size: 1, note: "fine" },
};

describe("provider: resource host", () => {
  it("previews a creation without acting: known outputs known, the others unknown", async () => {
    const { host } = hostWith({
      create: () => assert.fail("acted in a preview"),
    });
    assert.deepEqual(await host.preview(request, inputs), {
      size: 1,
      note: unknown,
    });
    assert.deepEqual(
      await host.preview(request, { ...inputs, size: unknown }),
      {
        size: unknown,
        note: unknown,
      },
    );
  });

  it("creates with defaults filled in", async () => {
    const { host } = hostWith();
    const { id, stored: state } = await host.create(request, inputs);
    assert.equal(id, "id-1");
    assert.deepEqual(state.outputs, { size: 1, note: "fine" });
  });

  it("makes an output secret when it holds a secret of the inputs", async () => {
    const { host } = hostWith({
      create: async () => ({
        id: "i",
        outputs: { size: 1, note: `login with ${password}` },
      }),
    });
    const { stored: state } = await host.create(request, inputs);
    assert.ok(isSecret(state.outputs.note ?? null));
    assert.ok(!isSecret(state.outputs.size ?? null));
  });

  it("keeps secrets out of logs and errors", async () => {
    const { host, lines } = hostWith({
      create: async (ctx) => {
        ctx.log.info(`trying ${password}`);
        throw new Error(`refused: ${password}`);
      },
    });
    await assert.rejects(
      host.create(request, inputs),
      /^Error: refused: \[secret\]$/,
    );
    assert.deepEqual(lines, ["trying [secret]"]);
  });

  it("keeps what exists although the creation failed", async () => {
    const { host } = hostWith({
      create: async () => {
        throw new PartialFailure("id-2", { size: 1, note: "half" }, [
          `broke at ${password}`,
        ]);
      },
    });
    await assert.rejects(host.create(request, inputs), (error) => {
      assert.ok(error instanceof StoredFailure);
      assert.equal(error.id, "id-2");
      assert.deepEqual(error.stored.outputs, { size: 1, note: "half" });
      assert.deepEqual(error.reasons, ["broke at [secret]"]);
      return true;
    });
  });

  it("makes no change that the resource refuses, and says so without secrets", () => {
    const { host } = hostWith();
    const changeTo = (size: number) =>
      host.diff(request.type, stored, { ...inputs, size }, []);
    assert.throws(() => changeTo(0), /^Error: size is 0, said \[secret\]$/);
    assert.deepEqual(
      changeTo(2).map(({ path }) => path),
      [["size"]],
    );
    const grown = { ...stored, outputs: { size: 5, note: "grown by hand" } };
    // What stays as it was is not refused, whatever the resource has become.
    assert.deepEqual(host.diff(request.type, grown, stored.inputs, []), []);
  });

  it("reads drift, and keeps the wrapping of what did not change", async () => {
    const { host } = hostWith();
    const found = await host.read(request, "id-1", stored);
    assert.equal(found?.inputs.size, 9);
    assert.ok(isSecret(found.inputs.password ?? null));
  });

  it("keeps a secret that lies deep a secret, also when it has changed", async () => {
    const { host } = hostWith();
    const note = new Secret("hush");
    const parts = { a: { note }, c: { note } };
    const old = { ...stored, inputs: { ...stored.inputs, parts } };
    const found = await host.read(request, "id-1", old);
    assert.deepEqual(found?.inputs.parts, {
      a: { note: new Secret("changed") },
      b: { note: "new" },
    });
  });

  it("answers that a resource is gone", async () => {
    const { host } = hostWith({ present: false });
    assert.equal(await host.read(request, "id-1", stored), undefined);
  });

  it("refuses an import, and a type that it does not have", async () => {
    const { host } = hostWith();
    await assert.rejects(
      host.read(request, "x", { inputs: {}, outputs: {} }),
      /cannot be imported/,
    );
    assert.throws(
      () => host.check("corral-ops:index:No", {}),
      /no resource type .*:No; it has/,
    );
  });
});

describe("provider: a preview that looks", () => {
  const preview = (foresee: () => Promise<{ size?: number }>) => {
    const lines: string[] = [];
    const write = (line: string) => {
      lines.push(line);
    };
    const looker = defineResource({
      token: request.type,
      description: "For tests.",
      inputs: fields({ password: Type.String({ secret: true }) }),
      outputs: fields({ size: Type.Integer() }),
      create: () => assert.fail("acted in a preview"),
      foresee,
    });
    const host = new ResourceHost(
      [looker],
      new Operations(),
      (_urn, redactor) => {
        const line = (text: string) => write(redactor.text(text));
        return {
          debug: line,
          info: line,
          warn: line,
          error: line,
          status: line,
        };
      },
    );
    return host
      .preview(request, { password: new Secret(password) })
      .then((outputs) => ({ outputs, lines }));
  };

  it("answers what it saw", async () => {
    const { outputs, lines } = await preview(async () => ({ size: 3 }));
    assert.deepEqual(outputs, { size: 3 });
    assert.deepEqual(lines, []);
  });

  it("goes on when it cannot look, and says so without secrets", async () => {
    const { outputs, lines } = await preview(async () => {
      throw new Error(`no answer to ${password}`);
    });
    assert.deepEqual(outputs, { size: unknown });
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /cannot be foreseen: no answer to/);
    assert.ok(!lines[0]?.includes(password));
  });

  it("fails where it saw what must not be done, without secrets", async () => {
    await assert.rejects(
      preview(async () => {
        throw new RefusedError(`not with ${password}`);
      }),
      (error: Error) =>
        error.message.startsWith("not with") &&
        !error.message.includes(password),
    );
  });
});
