import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import {
  DOCKER_CHECK,
  dockerScript,
} from "@corral-iac/corral/guest/dockerFeature";
import execa from "execa";

/** Programs of this machine that the script may have; everything else is played. */
const REAL = ["sh", "date", "grep", "sleep", "touch", "cat"];

// The script is run by a shell that knows only what this test gives it.
describe("the script of the feature docker", () => {
  let folder: string;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-docker-"));
    for (const name of REAL) {
      fs.symlinkSync(real(name), path.join(folder, name));
    }
  });
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  /** A program that notes how it was called, and then does what `body` says. */
  function play(name: string, body = ""): void {
    const file = path.join(folder, name);
    fs.writeFileSync(
      file,
      `#!${real("sh")}\necho "${name} $*" >>${folder}/calls\n${body}\n`,
      { mode: 0o755 },
    );
  }

  /** A package manager that knows these packages of docker. */
  function playManager(name: string, known: string): void {
    play(
      name,
      `case "$*" in
        *install*" ${known}"* | *add*" ${known}"*)
          printf '#!/bin/sh\\n' >${folder}/dockerd; chmod +x ${folder}/dockerd ;;
        *update*) ;;
        *) echo "no such package" >&2; exit 1 ;;
      esac`,
    );
    fs.symlinkSync(real("chmod"), path.join(folder, "chmod"));
  }

  const playSystemd = () => play("systemctl");
  const playOpenRc = () => ["rc-update", "rc-service"].forEach((n) => play(n));

  async function run(users: readonly string[] = []) {
    const { exitCode, stderr } = await execa(
      real("sh"),
      ["-c", dockerScript(users)],
      { env: { PATH: folder }, extendEnv: false, reject: false },
    );
    const calls = path.join(folder, "calls");
    const called = fs.existsSync(calls)
      ? fs.readFileSync(calls, "utf8").trim().split("\n")
      : [];
    return { exitCode, stderr, called };
  }

  const cases: [string, string, string, () => void, RegExp, string[]][] = [
    [
      "Debian and Ubuntu",
      "apt-get",
      "docker.io",
      playSystemd,
      /^apt-get .* install docker.io ca-certificates$/,
      ["systemctl enable docker.service", "systemctl start docker.service"],
    ],
    [
      "Fedora",
      "dnf",
      "moby-engine",
      playSystemd,
      /^dnf -y .* install moby-engine$/,
      ["systemctl enable docker.service", "systemctl start docker.service"],
    ],
    [
      "Amazon Linux, which calls it otherwise",
      "dnf",
      "docker",
      playSystemd,
      /^dnf -y .* install moby-engine$/,
      [
        "dnf -y --setopt=install_weak_deps=False install docker",
        "systemctl enable docker.service",
        "systemctl start docker.service",
      ],
    ],
    [
      "openSUSE",
      "zypper",
      "docker",
      playSystemd,
      /^zypper --non-interactive install --no-recommends docker$/,
      ["systemctl enable docker.service", "systemctl start docker.service"],
    ],
    [
      "Alpine",
      "apk",
      "docker",
      playOpenRc,
      /^apk --wait \d+ --update-cache --no-progress add docker$/,
      [
        "rc-update -q add docker default",
        "rc-service -q docker start --ifstopped",
      ],
    ],
  ];
  for (const [where, manager, name, playInit, install, rest] of cases) {
    it(`installs and starts it on ${where}`, async () => {
      playManager(manager, name);
      playInit();
      play("docker");
      const { exitCode, stderr, called } = await run();
      assert.equal(exitCode, 0, stderr);
      assert.match(called[0] ?? "", install);
      assert.deepEqual(called.slice(1), [...rest, "docker info"]);
    });
  }

  it("fetches the lists of packages where apt does not know it yet", async () => {
    play(
      "apt-get",
      `case "$*" in
        *update*) touch ${folder}/lists ;;
        *install*) [ -e ${folder}/lists ] || exit 100
          printf '#!/bin/sh\\n' >${folder}/dockerd; chmod +x ${folder}/dockerd ;;
      esac`,
    );
    fs.symlinkSync(real("chmod"), path.join(folder, "chmod"));
    playSystemd();
    play("docker");
    const { exitCode, called } = await run();
    assert.equal(exitCode, 0);
    assert.deepEqual(
      called.slice(0, 3).map((call) => /install|update/.exec(call)?.[0]),
      ["install", "update", "install"],
    );
  });

  it("installs nothing where docker is there, Docker's own packages for instance", async () => {
    ["dockerd", "docker", "apt-get"].forEach((name) => play(name));
    playSystemd();
    const { exitCode, called } = await run();
    assert.equal(exitCode, 0);
    assert.ok(!called.some((call) => call.startsWith("apt-get")), `${called}`);
  });

  it("makes users members of the group, by the means of the distribution", async () => {
    ["dockerd", "docker", "usermod", "id"].forEach((name) => play(name));
    playSystemd();
    const { called } = await run(["ops", "ci"]);
    const members = called.filter((call) => call.startsWith("usermod"));
    assert.deepEqual(members, [
      "usermod -aG docker ops",
      "usermod -aG docker ci",
    ]);
    fs.rmSync(path.join(folder, "usermod"));
    play("addgroup");
    assert.ok((await run(["ops"])).called.includes("addgroup ops docker"));
  });

  it("says which user is not there", async () => {
    ["dockerd", "docker"].forEach((name) => play(name));
    play("id", "exit 1");
    playSystemd();
    const { exitCode, stderr } = await run(["ops"]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /no user ops in the guest: correct docker.users/);
  });

  it("says so where no known package manager is", async () => {
    const { exitCode, stderr } = await run();
    assert.equal(exitCode, 1);
    assert.match(stderr, /No package manager .*apt-get, dnf, zypper, apk/);
  });

  it("ends with the package manager's own words when it cannot install", async () => {
    play("zypper", "echo 'No provider of docker found.' >&2; exit 104");
    const { exitCode, stderr } = await run();
    assert.equal(exitCode, 104);
    assert.match(stderr, /No provider of docker found/);
  });

  it("says so where nothing could start it at boot", async () => {
    play("dockerd");
    const { exitCode, stderr } = await run();
    assert.equal(exitCode, 1);
    assert.match(stderr, /Neither systemd nor OpenRC/);
  });

  it("waits until docker answers", async () => {
    play("dockerd");
    playSystemd();
    play(
      "docker",
      `[ -e ${folder}/once ] || { touch ${folder}/once; exit 1; }`,
    );
    const { exitCode, called } = await run();
    assert.equal(exitCode, 0);
    const asked = called.filter((call) => call === "docker info");
    assert.equal(asked.length, 2);
  });

  it("counts as there when docker answers", async () => {
    const check = () =>
      execa(real("sh"), ["-c", DOCKER_CHECK], {
        env: { PATH: folder },
        extendEnv: false,
        reject: false,
      });
    assert.notEqual((await check()).exitCode, 0);
    play("docker");
    assert.equal((await check()).exitCode, 0);
  });
});

function real(name: string): string {
  const found = (process.env.PATH ?? "")
    .split(path.delimiter)
    .map((directory) => path.join(directory, name))
    .find((file) => fs.existsSync(file));
  assert.ok(found, `${name} is not on this machine`);
  return found;
}
