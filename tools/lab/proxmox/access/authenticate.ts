import type { IncomingHttpHeaders } from "node:http";
import { notAuthenticated } from "../http/apiError";
import type { ClusterState } from "../state/model";
import { Caller } from "./caller";

/**
 * Finds who calls by the header `Authorization: PVEAPIToken=USER@REALM!ID=SECRET`.
 *
 * @throws ApiError 401 in Proxmox's words.
 */
export function authenticate(
  headers: IncomingHttpHeaders,
  state: ClusterState,
): Caller {
  const header = /^PVEAPIToken[= ](.*)$/.exec(headers.authorization ?? "")?.[1];
  if (header === undefined) {
    throw notAuthenticated("No ticket");
  }
  const [, id, secret] = /^(.*)=(.*)$/.exec(header) ?? [];
  if (id === undefined) {
    throw notAuthenticated("no tokenid specified");
  }
  const [user = "", name] = id.split("!");
  if (name === undefined || !/^\S+@\S+$/.test(user)) {
    throw notAuthenticated(`value '${id}' does not look like a valid token ID`);
  }
  const users = Object.keys(state.tokens).map((token) => token.split("!")[0]);
  if (!users.includes(user)) {
    throw notAuthenticated(`no such user ('${user}')`);
  }
  const token = state.tokens[id];
  if (token === undefined) {
    throw notAuthenticated(`no such token '${name}' for user '${user}'`);
  }
  if (token.secret !== secret) {
    throw notAuthenticated("invalid token value!");
  }
  return new Caller(id, state, token.privileges);
}
