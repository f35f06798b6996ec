/**
 * A script of POSIX sh of which nothing is run unless all of it has come. What a connection that breaks
 * off in the middle leaves of it would otherwise be run up to the cut, and `rm -rf /srv/web` may be cut to
 * `rm -rf /srv`.
 */
export function wholeOrNothing(script: string): string {
  // The shell reads a group to its end before it runs any of it.
  return `{\n${script}\n}\n`;
}
