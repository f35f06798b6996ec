import assert from "node:assert/strict";
import { LATER } from "@corral-iac/corral/core/later";
import {
  featureListRules,
  featureName,
  validateGuestFeature,
} from "@corral-iac/corral/guest/guestFeatureRules";

const connection = {
  host: "10.0.0.5",
  port: 22,
  user: "ops",
  privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----",
  hostKey: "ssh-ed25519 AAAA",
};

function faults(feature: Record<string, unknown>): string[] {
  return validateGuestFeature({ connection, ...feature }).map(
    ({ path, problem }) => `${path} ${problem}`,
  );
}

describe("the arguments of GuestFeature", () => {
  const good: Record<string, Record<string, unknown>> = {
    "docker alone": { docker: {} },
    "docker with users and a proxy": {
      docker: { users: ["ops"] },
      environment: { https_proxy: "http://proxy:3128" },
      triggers: ["2"],
      timeoutSeconds: 900,
    },
    "a script with everything": {
      name: "proxy",
      script: "#!/bin/bash\ntrue\n",
      check: "true",
      remove: "true",
      environment: { TOKEN: "x" },
    },
    "what is known later": { script: LATER, environment: LATER },
  };
  for (const [what, feature] of Object.entries(good)) {
    it(`may be ${what}`, () => assert.deepEqual(faults(feature), []));
  }

  const bad: Record<string, [Record<string, unknown>, RegExp]> = {
    "neither docker nor script": [
      { timeoutSeconds: 5 },
      /must have exactly one of docker, script/,
    ],
    "both docker and script": [
      { docker: {}, script: "true" },
      /has docker and script, must have exactly one/,
    ],
    "a check of docker": [
      { docker: {}, check: "true" },
      /^check is given without script/,
    ],
    "an empty script": [{ script: " \n" }, /^script is empty/],
    "lines that end as on Windows": [
      { script: "true\r\nfalse\r\n" },
      /^script has carriage returns/,
    ],
    "a name that is none": [
      { script: "true", name: "My feature" },
      /^name is "My feature", must be 1 to 40 lower-case/,
    ],
    "a name known later": [
      { script: "true", name: LATER },
      /^name is an output or a secret/,
    ],
    "a user that is none": [
      { docker: { users: ["ops", "a b"] } },
      /^docker\.users\[1\] is "a b", must be a login name/,
    ],
    "a variable that is none": [
      { script: "true", environment: { "2X": "y" } },
      /^environment\.2X is no name of a variable/,
    ],
    "no time": [
      { script: "true", timeoutSeconds: 0 },
      /^timeoutSeconds is 0, must be a whole number from 1 to 86400/,
    ],
    "a machine that was not waited for": [
      { script: "true", connection: { ...connection, host: "" } },
      /^connection\.host is "", must be .*not waited for/,
    ],
  };
  for (const [what, [feature, expected]] of Object.entries(bad)) {
    it(`may not be ${what}`, () => {
      const found = faults(feature);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match((found[0] ?? "").trim(), expected);
    });
  }

  it("are all named at once, and no secret among them", () => {
    const found = faults({
      script: "",
      check: "\0",
      environment: { A: 5, TOKEN: "hush\0" },
    });
    assert.equal(found.length, 4, found.join("\n"));
    assert.ok(!found.some((fault) => fault.includes("hush")));
  });
});

describe("a list of features", () => {
  const problems = (features: unknown) =>
    featureListRules("features", features).map(
      ({ path, problem }) => `${path} ${problem}`,
    );

  it("has a name for each script, and each once", () => {
    assert.deepEqual(
      problems([{ docker: {} }, { name: "proxy", script: "true" }]),
      [],
    );
    assert.deepEqual(problems([{ script: "true" }]), [
      "features[0].name is missing",
    ]);
    assert.deepEqual(
      problems([{ docker: {} }, { name: "docker", script: "true" }]),
      ['features[1] is a second feature "docker", must have a name of its own'],
    );
  });

  it("says in which of them a fault is", () => {
    assert.match(
      problems([{ docker: {} }, { name: "x", script: "" }])[0] ?? "",
      /^features\[1\]\.script is empty/,
    );
  });

  it("calls a feature by its name, and docker docker", () => {
    assert.equal(featureName({ docker: {} }), "docker");
    assert.equal(featureName({ name: "proxy", script: "x" }), "proxy");
    assert.equal(featureName({ script: "x" }), undefined);
  });
});
