import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import {
  backendScheme,
  describeBackend,
  findBackendUrl,
} from "@corral-iac/cli/recovery/backendUrl";
import { folderOf } from "@corral-iac/cli/recovery/locks/fileUrl";

describe("the URL of the state backend", () => {
  let home: string;
  const whoami = () => Promise.resolve("https://asked.example.com");

  beforeEach(() => {
    home = fs.mkdtempSync(path.join(os.tmpdir(), "corral-home-"));
  });
  afterEach(() => fs.rmSync(home, { recursive: true, force: true }));

  const login = (text: string) =>
    fs.writeFileSync(path.join(home, "credentials.json"), text);

  it("comes from the environment, the project, the login, in this order", async () => {
    login(JSON.stringify({ current: "file:///login" }));
    const env = { PULUMI_HOME: home };
    const projectUrl = "file:///project";
    assert.equal(
      await findBackendUrl({
        env: { ...env, PULUMI_BACKEND_URL: "file:///environment" },
        projectUrl,
        whoami,
      }),
      "file:///environment",
    );
    assert.equal(
      await findBackendUrl({ env, projectUrl, whoami }),
      "file:///project",
    );
    assert.equal(await findBackendUrl({ env, whoami }), "file:///login");
  });

  it("looks for the login where PULUMI_CREDENTIALS_PATH says", async () => {
    login(JSON.stringify({ current: "file:///login" }));
    const env = {
      PULUMI_HOME: "/nowhere",
      PULUMI_CREDENTIALS_PATH: home,
    };
    assert.equal(await findBackendUrl({ env, whoami }), "file:///login");
  });

  it("is asked of the CLI where the login is encrypted or missing", async () => {
    const env = { PULUMI_HOME: home };
    assert.equal(
      await findBackendUrl({ env, whoami }),
      "https://asked.example.com",
    );
    login("pulumi-credentials-envelope v1 ...");
    assert.equal(
      await findBackendUrl({ env, whoami }),
      "https://asked.example.com",
    );
  });

  it("is shown without a password", () => {
    const shown = {
      "postgres://ops:s3cret@db.example.com:5432/corral?table=t&password=s3cret":
        "postgres://db.example.com:5432/corral",
      "postgres://ops:s3c@ret@db/corral": "postgres://db/corral",
      "postgres://ops:s3cr?et@db/corral": "postgres://...",
      "postgres://ops:s3cr#et@db/corral": "postgres://...",
      "https://api.pulumi.com": "https://api.pulumi.com",
      "file://~/state": "file://~/state",
    };
    for (const [url, expected] of Object.entries(shown)) {
      assert.equal(describeBackend(url), expected);
    }
  });

  it("has a scheme", () => {
    assert.equal(backendScheme("postgres://db/x"), "postgres");
    assert.equal(backendScheme("S3://bucket"), "s3");
    assert.equal(backendScheme("nothing"), "");
  });
});

describe("the folder of a file backend", () => {
  const folder = (url: string) => folderOf(url, "/work/program", "/home/ops");

  it("is absolute, in the home, or relative to where pulumi runs", () => {
    assert.equal(folder("file:///var/state"), "/var/state");
    assert.equal(folder("file://~"), "/home/ops");
    assert.equal(folder("file://~/state"), "/home/ops/state");
    assert.equal(folder("file://./state"), "/work/program/state");
    assert.equal(folder("file://state/"), "/work/program/state");
    assert.equal(folder("file://"), "/work/program");
  });

  it("has no parameters in it, and characters as they are", () => {
    assert.equal(folder("file:///var/state?no_tmp_dir=true"), "/var/state");
    assert.equal(folder("file:///var/my%20state"), "/var/my state");
  });
});
