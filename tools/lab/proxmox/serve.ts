/**
 * The simulator as a process of its own: `node serve.js none|libvirt`. Ends by SIGTERM or SIGINT, and
 * removes all that it made. When it is killed, the next one takes up its machines.
 */
import * as fs from "node:fs";
import * as path from "node:path";

import { messageOf } from "@corral-iac/corral/core/errors";

import { know } from "../processes";
import {
  accessFile,
  environmentFile,
  type ProxmoxAccess,
  proxmoxFolder,
} from "./process";
import { startProxmox } from ".";

async function serve(guests: "none" | "libvirt"): Promise<void> {
  const folder = proxmoxFolder();
  const portsFile = path.join(folder, "ports.json");
  const proxmox = await startProxmox({ guests, folder, ...ports(portsFile) });
  const own = know("simulator", process.pid);
  if (own === undefined) {
    throw new Error("this process does not find itself in /proc");
  }
  const { endpoint, apiToken, ssh } = proxmox;
  // After a crash, clients shall find it where it was.
  write(
    portsFile,
    JSON.stringify({ port: Number(new URL(endpoint).port), sshPort: ssh.port }),
  );
  write(environmentFile(), shellVariables(endpoint, apiToken, ssh.privateKey));
  const access: ProxmoxAccess = {
    process: own,
    guests,
    endpoint,
    apiToken,
    ssh,
  };
  write(accessFile(), JSON.stringify(access, undefined, 2));
  console.log(`answers on ${endpoint}`);
  const stop = () => {
    proxmox.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(messageOf(error));
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

function ports(file: string): { port?: number; sshPort?: number } {
  return fs.existsSync(file)
    ? (JSON.parse(fs.readFileSync(file, "utf8")) as {
        port: number;
        sshPort: number;
      })
    : {};
}

/** In one step: who waits for the file finds it whole. */
function write(file: string, text: string): void {
  fs.writeFileSync(`${file}.tmp`, text, { mode: 0o600 });
  fs.renameSync(`${file}.tmp`, file);
}

function shellVariables(
  endpoint: string,
  apiToken: string,
  privateKey: string,
): string {
  return [
    `PROXMOX_VE_ENDPOINT='${endpoint}'`,
    `PROXMOX_VE_API_TOKEN='${apiToken}'`,
    "PROXMOX_VE_INSECURE='true'",
    "PROXMOX_VE_SSH_USERNAME='root'",
    `PROXMOX_VE_SSH_PRIVATE_KEY='${privateKey.trim()}'`,
    "",
  ].join("\n");
}

serve(process.argv[2] === "none" ? "none" : "libvirt").catch(
  (error: unknown) => {
    console.error(messageOf(error));
    process.exit(1);
  },
);
