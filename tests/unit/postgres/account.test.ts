import assert from "node:assert/strict";
import { parseAccounts } from "@corral-iac/tools/postgres/account";

describe("accounts that the test database can run as", () => {
  it("are read from /etc/passwd", () => {
    const passwd =
      "root:x:0:0:root:/root:/bin/bash\n" +
      "postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash\n" +
      "\n";
    assert.deepEqual(parseAccounts(passwd), [
      { name: "root", uid: 0, gid: 0 },
      { name: "postgres", uid: 101, gid: 104 },
    ]);
  });
});
