import { randomBytes } from "node:crypto";
import type { TinyGuest } from "../lab/host/images";
import type { LabHost } from "../lab/host/labHost";

/** Memory of each guest, in MiB, on either side. */
export const MEMORY_MIB = 96;

/** Subnet of the machines that nobody but this file knows. */
const NETWORK = "10.97.0";

/**
 * Starts guests on the host by QEMU's command line and `ip` alone, and takes them away again.
 *
 * @returns seconds from the first command until the ssh server of the last guest greets.
 */
export async function qemuByHand(
  host: LabHost,
  guest: TinyGuest,
  machines: number,
  timeoutSeconds: number,
): Promise<number> {
  const folder = `/run/bench-${randomBytes(4).toString("hex")}`;
  host.put(guest.kernel, `${folder}/vmlinuz`);
  host.put(guest.initrd, `${folder}/initrd`);
  try {
    const answer = await host.exec(
      startScript(folder, guest, machines, timeoutSeconds),
      { timeoutSeconds: timeoutSeconds + 10 },
    );
    return Number(answer.split("\n").at(-1)) / 1000;
  } finally {
    await host.exec(`
for pid in $(cat ${folder}/*.pid); do kill -KILL "$pid" 2>/dev/null; done
for n in $(seq ${machines}); do ip link delete "bench$n" 2>/dev/null; done
rm -rf ${folder}`);
  }
}

/** Prints milliseconds. */
function startScript(
  folder: string,
  { kernelArguments }: TinyGuest,
  machines: number,
  timeoutSeconds: number,
): string {
  return `set -e
cd ${folder}
began=$(date +%s%3N)
for n in $(seq ${machines}); do
  address=${NETWORK}.$((n + 1))
  ip tuntap add "bench$n" mode tap
  ip address add ${NETWORK}.1/32 dev "bench$n"
  ip link set "bench$n" up
  ip route add "$address/32" dev "bench$n"
  qemu-system-x86_64 -M microvm,rtc=on -accel tcg,thread=multi,tb-size=32 -cpu max -m ${MEMORY_MIB}M -smp 1 \\
    -nodefaults -no-user-config -no-reboot -display none -serial "file:$n.log" \\
    -kernel vmlinuz -initrd initrd \\
    -append "${kernelArguments} net.ifnames=0 ip=$address::${NETWORK}.1:255.255.255.0:m$n:eth0:off" \\
    -netdev "tap,id=net0,ifname=bench$n,script=no,downscript=no" \\
    -device "virtio-net-device,netdev=net0,mac=52:54:00:97:00:$(printf %02x "$n")" \\
    -device virtio-rng-device -pidfile "$n.pid" -daemonize
done
for n in $(seq ${machines}); do
  until timeout 2 bash -c 'read -r line </dev/tcp/${NETWORK}.'$((n + 1))'/22 && [ -n "$line" ]' 2>/dev/null; do
    [ $(($(date +%s%3N) - began)) -lt ${timeoutSeconds * 1000} ] || { tail -n 5 "$n.log" >&2; exit 1; }
    sleep 0.05
  done
done
echo $(($(date +%s%3N) - began))`;
}
