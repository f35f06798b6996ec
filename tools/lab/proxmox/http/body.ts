import type { IncomingMessage } from "node:http";
import { ApiError } from "./apiError";
import type { Parameters } from "./parameters";
import type { UploadedFile } from "./router";

/** What came with a request. */
export interface Body {
  readonly parameters: Parameters;
  readonly files: readonly UploadedFile[];
}

/** Reads query and body: form, JSON or multipart. */
export async function readRequest(
  request: IncomingMessage,
  query: URLSearchParams,
): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  const raw = Buffer.concat(chunks);
  const type = request.headers["content-type"] ?? "";
  const { parameters, files } = parseBody(raw, type);
  return { parameters: { ...fromSearch(query), ...parameters }, files };
}

function parseBody(raw: Buffer, type: string): Body {
  if (raw.length === 0) {
    return { parameters: {}, files: [] };
  }
  if (type.startsWith("application/json")) {
    return { parameters: fromJson(raw.toString()), files: [] };
  }
  const boundary = /^multipart\/form-data;.*boundary="?([^";]+)"?/.exec(type);
  if (boundary !== null) {
    return fromMultipart(raw, boundary[1] ?? "");
  }
  return {
    parameters: fromSearch(new URLSearchParams(raw.toString())),
    files: [],
  };
}

function fromSearch(search: URLSearchParams): Parameters {
  return Object.fromEntries(
    [...new Set(search.keys())].map((name) => {
      const values = search.getAll(name);
      return [name, values.length === 1 ? (values[0] ?? "") : values];
    }),
  );
}

function fromJson(text: string): Parameters {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) {
    throw new ApiError(400, "Bad Request");
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      Array.isArray(one) ? one.map(String) : scalarText(one),
    ]),
  );
}

function scalarText(value: unknown): string {
  return typeof value === "boolean" ? (value ? "1" : "0") : String(value);
}

/** Parts of a form, binary files included. */
export function fromMultipart(raw: Buffer, boundary: string): Body {
  const parameters: Record<string, string> = {};
  const files: UploadedFile[] = [];
  const mark = Buffer.from(`--${boundary}`);
  let begin = raw.indexOf(mark);
  while (begin >= 0) {
    const end = raw.indexOf(mark, begin + mark.length);
    if (end < 0) {
      break;
    }
    const part = raw.subarray(begin + mark.length + 2, end - 2);
    const split = part.indexOf("\r\n\r\n");
    const head = part.subarray(0, split).toString();
    const content = part.subarray(split + 4);
    const name = /\bname="([^"]*)"/.exec(head)?.[1];
    const fileName = /\bfilename="([^"]*)"/.exec(head)?.[1];
    if (fileName !== undefined) {
      files.push({ fileName, content });
    } else if (name !== undefined) {
      parameters[name] = content.toString();
    }
    begin = end;
  }
  return { parameters, files };
}
