import { Type } from "@sinclair/typebox";

import { fields } from "../frame/define";
import { connectionFields } from "../guest/connectionFields";

/** How the host is reached, for every resource on it. */
export const hostField = () => connectionFields;

export const text = (description: string, more: object = {}) =>
  Type.String({ minLength: 1, description, ...more });

/** A path on the host; its characters mean nothing to a shell, to systemd or to a hypervisor. */
export const hostPath = (description: string, more: object = {}) =>
  Type.String({
    pattern: "^/[A-Za-z0-9_./:@+-]*$",
    allowed: "an absolute path of letters, digits and _ . / : @ + -",
    description,
    ...more,
  });

/** The name of a machine: unique on the host, and part of the names of its unit and its folders. */
export const machineField = (more: object = {}) =>
  Type.String({
    pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,150}$",
    allowed:
      "up to 151 letters, digits and _ . -, starting with a letter or a digit",
    description: "Name of the machine on the host.",
    replaces: true,
    ...more,
  });

export const networkField = (more: object = {}) =>
  Type.String({
    pattern: "^[a-z][a-z0-9-]{0,39}$",
    allowed:
      "up to 40 lower-case letters, digits and hyphens, starting with a letter",
    description: "Name of the network on the host.",
    ...more,
  });

export const ipv4 = (description: string, more: object = {}) =>
  Type.String({
    pattern: "^(\\d{1,3}\\.){3}\\d{1,3}$",
    allowed: "an IPv4 address",
    description,
    ...more,
  });

/** The host's interface into whose network machines go. */
export const lanField = (description: string) =>
  Type.Optional(
    Type.String({
      pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$",
      allowed: "the name of a network interface",
      description,
    }),
  );

/** Whose everything is. */
export const stampField = () =>
  fields(
    {
      id: Type.String({
        pattern: "^[0-9a-f]{16}$",
        replaces: true,
        description: "The stamp's id.",
      }),
      project: text("Name of the Pulumi project."),
      stack: text("Name of the Pulumi stack."),
      component: text("Type of the component that owns it."),
      name: text("Name of the component."),
    },
    {
      title: "MicroVmStamp",
      description: "The stamp of the component that owns it.",
    },
  );
