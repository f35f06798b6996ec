import execa from "execa";
import { uri } from "../../../daemons";
import { AgentError } from "../backend";

/**
 * Runs a command of a guest's agent by virsh. The command goes over standard input: what it holds
 * shall not stand in the process list.
 *
 * @throws AgentError when there is no agent, or it refuses.
 */
export async function askAgent(
  domain: string,
  command: string,
  args: Readonly<Record<string, unknown>>,
  timeoutSeconds: number,
): Promise<unknown> {
  const request = JSON.stringify({
    execute: `guest-${command}`,
    ...(Object.keys(args).length === 0 ? {} : { arguments: args }),
  }).replaceAll("'", "\\u0027");
  const { stdout, stderr } = await execa("virsh", ["-q", "-c", uri], {
    input: `qemu-agent-command ${domain} --timeout ${timeoutSeconds} '${request}'\n`,
    env: { LC_ALL: "C" },
    timeout: (timeoutSeconds + 30) * 1000,
    reject: false,
  });
  return readAnswer(stdout, stderr);
}

/** The agent's answer in what virsh printed: it repeats the command before it. */
export function readAnswer(stdout: string, stderr: string): unknown {
  const line = stdout.split("\n").find((one) => one.startsWith('{"return"'));
  if (line === undefined) {
    throw new AgentError(reasonIn(stderr));
  }
  return (JSON.parse(line) as { return: unknown }).return;
}

/** What virsh says without its own words around it. */
function reasonIn(stderr: string): string {
  const text = stderr.replace(/^error: /, "").trim();
  return (
    /unable to execute QEMU agent command '[^']*': (.*)/s.exec(text)?.[1] ??
    (text === "" ? "the agent's answer was lost" : text)
  );
}
