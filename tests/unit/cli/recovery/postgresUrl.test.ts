import assert from "node:assert/strict";
import * as os from "node:os";
import {
  postgresTarget,
  withTlsMode,
} from "@corral-iac/cli/recovery/locks/postgresUrl";

const target = (url: string, env: NodeJS.ProcessEnv = {}) =>
  postgresTarget(url, env);

describe("a postgres:// backend URL", () => {
  it("names the table, and the folder of the keys by the database", () => {
    const plain = target("postgres://ops:x@db:5433/corral");
    assert.equal(plain.table, "pulumi_state");
    assert.equal(plain.keyPrefix, "corral/");
    const named = target("postgres://ops:x@db/corral?table=states");
    assert.equal(named.table, "states");
    assert.doesNotMatch(named.connectionString, /table/);
    assert.equal(target("postgres://db").keyPrefix, "");
  });

  it("does not take a table that is more than a name", () => {
    assert.throws(
      () => target("postgres://db/corral?table=a;drop table b"),
      /plain name/,
    );
  });

  it("asks for TLS as Go's client does", () => {
    const modes = (url: string, env?: NodeJS.ProcessEnv) =>
      target(url, env).tlsModes;
    assert.deepEqual(modes("postgres://db/c"), ["require"]);
    assert.deepEqual(modes("postgres://db/c?sslmode=disable"), ["disable"]);
    assert.deepEqual(modes("postgres://db/c", { PGSSLMODE: "disable" }), [
      "disable",
    ]);
    assert.deepEqual(modes("postgres://db/c?sslmode=prefer"), [
      "require",
      "disable",
    ]);
    assert.deepEqual(modes("postgres:///c?host=/run/postgresql"), ["disable"]);
    assert.throws(() => modes("postgres://db/c?sslmode=maybe"), /sslmode/);
  });

  it("keeps the search path as an option of the session", () => {
    const url = new URL(
      target("postgres://db/c?search_path=infra,public").connectionString,
    );
    assert.equal(url.searchParams.get("search_path"), null);
    assert.equal(
      url.searchParams.get("options"),
      "-c search_path=infra,public",
    );
  });

  it("is for this user unless it names one", () => {
    const user = (url: string, env?: NodeJS.ProcessEnv) =>
      new URL(target(url, env).connectionString).searchParams.get("user");
    assert.equal(user("postgres://db/c"), os.userInfo().username);
    assert.equal(user("postgres://ops@db/c"), null);
    assert.equal(user("postgres://db/c", { PGUSER: "ops" }), null);
  });

  it("is not repeated in an error", () => {
    assert.throws(
      () => target("postgres://ops:s3cret@:bad:/c"),
      (error: Error) => !error.message.includes("s3cret"),
    );
  });

  it("takes a TLS mode with PostgreSQL's own meaning", () => {
    const url = new URL(withTlsMode("postgres://ops:x@db/c", "require"));
    assert.equal(url.searchParams.get("sslmode"), "require");
    assert.equal(url.searchParams.get("uselibpqcompat"), "true");
  });
});
