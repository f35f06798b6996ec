import { stringify } from "yaml";

/**
 * YAML for cloud-init, whose reader (PyYAML, YAML 1.1) takes more plain words for something else
 * than text than others do: `52:54:00:12:34:56` is a number to base 60, `on` is true. So every text
 * stands in quotes, on one line, and what PyYAML refuses or takes for an end of line is escaped.
 */
export function guestYaml(value: unknown): string {
  const yaml = stringify(value, {
    defaultStringType: "QUOTE_DOUBLE",
    defaultKeyType: "PLAIN",
    doubleQuotedAsJSON: true,
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
  return yaml.replace(
    UNSAFE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Control characters, other ends of line, byte order marks; all of them stand inside quotes. */
const UNSAFE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;
