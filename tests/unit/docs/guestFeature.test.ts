import assert from "node:assert/strict";
import { dockerScript } from "@corral-iac/corral/guest/dockerFeature";
import type { FeatureProgram } from "@corral-iac/corral/guest/guestFeatureScript";
import {
  codeSpans,
  readPage,
  section,
  tableRows,
} from "../../support/markdown";
import { PlayedGuest } from "../guest/playedGuest";

const page = readPage("docs/guest-feature.md");

const { definitions } = JSON.parse(
  readPage("components/guest/guestFeature.schema.json"),
) as { definitions: Record<string, { properties: object }> };
const argumentsOf = (type: string) =>
  Object.keys(definitions[type]?.properties ?? {});

/** For each line of the table of changes, a change of that argument. */
const CHANGES: Record<string, Partial<FeatureProgram>> = {
  script: { script: "changed" },
  environment: { environment: { A: "changed" } },
  triggers: { triggers: ["changed"] },
  check: { check: ": changed" },
  remove: { remove: "changed" },
  timeoutSeconds: { timeoutSeconds: 19 },
  // Stands in the command line alone.
  name: {},
  connection: { instanceId: "changed" },
};

describe("docs/guest-feature.md", () => {
  it("has a line for each argument, and no other", () => {
    const names = [
      ...argumentsOf("GuestFeatureArgs"),
      ...argumentsOf("DockerFeatureArgs").map((name) => `docker.${name}`),
    ];
    const told = tableRows(section(page, "Arguments")).flatMap(([first = ""]) =>
      codeSpans(first),
    );
    assert.deepEqual(told.sort(), names.sort());
  });

  describe("its table of changes", () => {
    let guest: PlayedGuest;
    beforeEach(() => {
      guest = new PlayedGuest();
    });
    afterEach(() => guest.remove());

    const rows = tableRows(section(page, "What a change does"));
    const names = rows.flatMap(([first = ""]) => codeSpans(first));

    it("has a line for each argument but docker itself", () => {
      const all = argumentsOf("GuestFeatureArgs");
      assert.deepEqual(
        names.sort(),
        [...all.filter((name) => name !== "docker"), "docker.users"].sort(),
      );
    });

    for (const [first = "", effect] of rows) {
      const [name = ""] = codeSpans(first);
      if (name === "docker.users") {
        continue;
      }
      it(`${name}: ${effect}`, async () => {
        const before = { script: guest.counting(), check: "true" };
        const change = CHANGES[name];
        assert.ok(change);
        const after = { ...before, ...change };
        if (change.script !== undefined) {
          after.script = guest.counting("echo changed");
        }
        await guest.run(before);
        assert.equal(guest.runs, 0);
        assert.equal(
          guest.program(after) === guest.program(before),
          name === "name",
        );
        const { code, stderr } = await guest.run(after, "update");
        assert.equal(code, 0, stderr);
        assert.equal(guest.runs, effect === "the script runs again" ? 1 : 0);
      });
    }

    it("docker.users: the script is another one", () => {
      const row = rows.find(([first]) => first === "`docker.users`");
      assert.equal(row?.[1], "the script runs again");
      assert.notEqual(dockerScript(["ops"]), dockerScript([]));
    });
  });
});
