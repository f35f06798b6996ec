import * as fs from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { FileInjection } from "@corral-iac/corral/guest/fileInjection";
import { GuestFeature } from "@corral-iac/corral/guest/guestFeature";
import { NfsMount } from "@corral-iac/corral/guest/nfsMount";
import type { Accelerator } from "@corral-iac/corral/libvirt/args";
import { LibvirtNetwork } from "@corral-iac/corral/libvirt/libvirtNetwork";
import { LibvirtVm } from "@corral-iac/corral/libvirt/libvirtVm";

const config = new pulumi.Config();

const lan = new LibvirtNetwork("lan", { cidr: config.require("cidr") });

const web = new LibvirtVm("web", {
  memoryMib: 512,
  accelerator: config.require<Accelerator>("accelerator"),
  pool: { name: config.require("pool") },
  image: { name: config.require("image") },
  network: { name: lan.name },
  // What is done over ssh is done as root: the user needs sudo.
  cloudInit: { users: [{ name: "ops", sudo: true }] },
  ready: { timeoutSeconds: 600 },
});
const { connection } = web;
// When the machine goes, nothing in it has to be undone beforehand.
const withWeb = { deletedWith: web };

const pages = new NfsMount(
  "web-pages",
  {
    connection,
    server: config.require("server"),
    hostPath: config.require("hostPath"),
    guestPath: "/srv/pages",
    options: ["ro"],
  },
  withWeb,
);

const unit = new FileInjection(
  "web-unit",
  {
    connection,
    files: [
      {
        source: "service/pages.service",
        destination: "/etc/systemd/system/pages.service",
      },
    ],
  },
  withWeb,
);

const service = new GuestFeature(
  "web-service",
  {
    connection,
    name: "pages",
    script: fs.readFileSync("service/set-up.sh", "utf8"),
    check: "systemctl is-active --quiet pages",
    remove: "systemctl disable --now pages && rm -f /etc/pages.env",
    // Reaches the scripts alone: no command line, log or plain state has it.
    environment: { TOKEN: config.requireSecret("token") },
    timeoutSeconds: 300,
  },
  { ...withWeb, dependsOn: [pages, unit] },
);

if (config.getBoolean("docker")) {
  new GuestFeature(
    "web-docker",
    { connection, docker: { users: ["ops"] }, timeoutSeconds: 1200 },
    withWeb,
  );
}

/** Where the pages are served. */
export const url = pulumi.interpolate`http://${web.address}:8080`;
/** What the service's script wrote last. */
export const said = service.output;
/** Address, user, private key and pinned host key; a secret. */
export { connection };
