import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { authorityDigest } from "@corral-iac/corral/core/kubevirt/clusterAuthority";
import { newClusterAuthority } from "@corral-iac/corral-ops/kubevirt/newClusterAuthority";

describe("KubeVirt: the authority of a cluster", () => {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "corral-ca-"));
  const file = (name: string, content: string) => {
    const target = path.join(scratch, name);
    fs.writeFileSync(target, content);
    return target;
  };
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { stdio: "pipe", encoding: "utf8" });
  after(() => fs.rmSync(scratch, { recursive: true, force: true }));

  it("signs itself, with its own key, and may sign others", () => {
    const { certificate, key } = newClusterAuthority();
    const parsed = new X509Certificate(certificate);
    assert.ok(parsed.ca);
    assert.ok(parsed.verify(parsed.publicKey));
    assert.equal(parsed.subject, "CN=kubernetes");
    assert.equal(parsed.issuer, "CN=kubernetes");
    const ofKey = openssl("pkey", "-in", file("ca.key", key), "-pubout");
    assert.equal(
      ofKey,
      parsed.publicKey.export({ type: "spki", format: "pem" }),
    );
    const text = openssl(
      ...["x509", "-in", file("ca.crt", certificate), "-noout", "-text"],
    );
    assert.match(text, /Digital Signature, Key Encipherment, Certificate Sign/);
    assert.match(text, /Basic Constraints: critical\s+CA:TRUE/);
  });

  it("is good for what OpenSSL lets it sign", () => {
    const { certificate, key } = newClusterAuthority();
    const [crt, pem] = [file("a.crt", certificate), file("a.key", key)];
    const request = path.join(scratch, "leaf.csr");
    const leaf = path.join(scratch, "leaf.crt");
    openssl(
      ...["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
      ...["-nodes", "-keyout", path.join(scratch, "leaf.key")],
      ...["-subj", "/CN=leaf", "-out", request],
    );
    openssl(
      ...["x509", "-req", "-in", request, "-CA", crt, "-CAkey", pem],
      ...["-CAcreateserial", "-out", leaf],
    );
    assert.match(openssl("verify", "-x509_strict", "-CAfile", crt, leaf), /OK/);
  });

  it("is valid for ten years, already on a clock that is behind, and past 2049", () => {
    const at = (time: string) => {
      const { certificate } = newClusterAuthority(new Date(time));
      const { validFrom, validTo } = new X509Certificate(certificate);
      return [validFrom, validTo];
    };
    assert.deepEqual(at("2026-03-04T05:06:07.890Z"), [
      "Mar  4 04:06:07 2026 GMT",
      "Mar  4 05:06:07 2036 GMT",
    ]);
    assert.deepEqual(at("2045-01-02T03:04:05Z"), [
      "Jan  2 02:04:05 2045 GMT",
      "Jan  2 03:04:05 2055 GMT",
    ]);
  });

  it("has the digest that kubeadm's documentation computes with OpenSSL", () => {
    const { certificate } = newClusterAuthority();
    const crt = file("d.crt", certificate);
    const said = execFileSync(
      "sh",
      [
        "-c",
        `openssl x509 -pubkey -noout -in ${crt} | openssl pkey -pubin -outform der | openssl dgst -sha256 -hex`,
      ],
      { encoding: "utf8" },
    );
    assert.equal(
      authorityDigest(certificate),
      `sha256:${said.trim().split(" ").at(-1)}`,
    );
  });

  it("is another one each time", () => {
    const [one, other] = [newClusterAuthority(), newClusterAuthority()];
    assert.notEqual(one.key, other.key);
    assert.notEqual(
      new X509Certificate(one.certificate).serialNumber,
      new X509Certificate(other.certificate).serialNumber,
    );
  });
});
