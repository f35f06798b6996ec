import assert from "node:assert/strict";
import {
  listEntries,
  readRecipe,
  recipeHash,
} from "@corral-iac/tools/lab/recipe";

describe("the hash of a recipe", () => {
  const files = new Map([
    ["packages", "sudo\n"],
    ["overlay/etc/fstab", "/ ext4\n"],
  ]);

  it("is eight hexadecimal digits and does not depend on the order of files", () => {
    assert.match(recipeHash(files), /^[0-9a-f]{8}$/);
    assert.equal(recipeHash(new Map([...files].reverse())), recipeHash(files));
  });

  it("changes with a file's content, its name and the number of files", () => {
    const changes = [
      new Map([...files, ["packages", "sudo\ncurl\n"]]),
      new Map([...files, ["extra", ""]]),
      new Map([["packages", "sudo\n"]]),
      new Map([
        ["packages", "sudo\n"],
        ["overlay/etc/hosts", "/ ext4\n"],
      ]),
    ].map((changed) => recipeHash(changed as Map<string, string>));
    assert.equal(new Set([...changes, recipeHash(files)]).size, 5);
  });

  it("tells apart where one file ends and the next begins", () => {
    const one = recipeHash(new Map([["a", "bc"]]));
    const other = recipeHash(new Map([["ab", "c"]]));
    assert.notEqual(one, other);
  });
});

describe("the recipe debian12", () => {
  it("is found from the compiled code", () => {
    assert.match(readRecipe("debian12").hash, /^[0-9a-f]{8}$/);
  });
});

describe("a recipe with a base", () => {
  it("names it, and has a key of its own", () => {
    const { base, hash } = readRecipe("kubernetes-node");
    assert.deepEqual(base, readRecipe("debian12"));
    assert.notEqual(hash, base?.hash);
  });
});

describe("a list file", () => {
  it("has an entry a line; comments and empty lines do not count", () => {
    const text = "# Heading\nsudo\n\n  curl  # why\n";
    assert.deepEqual(listEntries(text), ["sudo", "curl"]);
  });
});
