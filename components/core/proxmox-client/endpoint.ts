/** Where a Proxmox VE API is, and how it is used. */
export interface ProxmoxEndpoint {
  /** For instance `https://pve1.example.com:8006`; what follows the port is dropped. */
  readonly endpoint: string;
  /** API token, `USER@REALM!ID=UUID`. A secret. */
  readonly apiToken: string;
  /** Accept any certificate, such as the self-signed one of a fresh installation. Default false. */
  readonly insecure?: boolean | undefined;
}

const endpointForm =
  'allowed is an address such as "https://pve1.example.com:8006"';
const tokenForm = "allowed is USER@REALM!TOKENID=UUID";

/**
 * The one form of an endpoint that stands for its server, such as `https://pve1:8006`: the API's path
 * is always the same.
 *
 * @throws Error, with what is allowed, if the text is no such address.
 */
export function endpointOrigin(endpoint: string): string {
  let url: URL;
  try {
    url = new URL(endpoint.trim());
  } catch {
    throw new Error(`"${endpoint}" is not an address; ${endpointForm}`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new Error(
      `it holds a user or a password, which has no meaning here; ${endpointForm}`,
    );
  }
  if (url.protocol !== "https:") {
    throw new Error(
      `"${endpoint}" does not begin with https://, the only thing that Proxmox VE speaks; ${endpointForm}`,
    );
  }
  return url.origin;
}

/**
 * Whose token it is, without its secret half: `USER@REALM!TOKENID`, as Proxmox VE's tasks and access
 * lists name it.
 *
 * @throws Error, with what is allowed and without the value, if the text is no token.
 */
export function tokenUser(apiToken: string): string {
  const match = /^([^\s@!=:]+@[^\s@!=:]+![^\s@!=:]+)=\S+$/.exec(
    apiToken.trim(),
  );
  if (match?.[1] === undefined) {
    throw new Error(`it is not an API token of Proxmox VE; ${tokenForm}`);
  }
  return match[1];
}
