import { renderDomainXslt } from "@corral-iac/corral/libvirt/domainXslt";
import {
  renderMetaData,
  renderNetworkConfig,
  renderUserData,
} from "@corral-iac/corral/core/cloudInit";
import { macAddress } from "@corral-iac/corral/core/names";
import { URI } from "../hypervisor/virsh";
import { TestPool } from "../hypervisor/testPool";
import { machineNames, MEMORY_MIB, type MachineSet } from "./machines";

/** Where OpenTofu's registry and the plugin cache of Pulumi keep the provider. */
export const PROVIDER_SOURCE = "dmacvicar/libvirt";

/**
 * The machines as a Terraform configuration (JSON syntax): the same resources of the same provider
 * as Corral's components make, with the same fields.
 */
export function terraformConfig({
  stack,
  count,
  cidr,
  pool,
}: MachineSet): Record<string, unknown> {
  const prefix = `corral-${stack}`;
  const each = (make: (name: string) => unknown) =>
    Object.fromEntries(machineNames(count).map((name) => [name, make(name)]));
  return {
    terraform: {
      required_providers: { libvirt: { source: PROVIDER_SOURCE } },
    },
    provider: { libvirt: { uri: URI } },
    resource: {
      libvirt_network: {
        lan: {
          name: `${prefix}-lan`,
          mode: "nat",
          addresses: [cidr],
          autostart: true,
          dhcp: { enabled: true },
          dns: { enabled: true },
        },
      },
      libvirt_volume: {
        blank: {
          name: `${prefix}-blank`,
          pool: pool.name,
          source: `${pool.path}/${TestPool.IMAGE}`,
        },
        ...each((name) => ({
          name: `${prefix}-${name}-root.qcow2`,
          pool: pool.name,
          format: "qcow2",
          base_volume_name: "${libvirt_volume.blank.name}",
          base_volume_pool: pool.name,
        })),
      },
      libvirt_cloudinit_disk: each((name) => ({
        name: `${prefix}-${name}-cloudinit.iso`,
        pool: pool.name,
        user_data: literal(userDataOf(name)),
        meta_data: literal(renderMetaData(`${prefix}-${name}`, name)),
        network_config: literal(renderNetworkConfig(macOf(stack, name))),
      })),
      libvirt_domain: each((name) => ({
        name: `${prefix}-${name}`,
        type: "qemu",
        cpu: { mode: "maximum" },
        vcpu: 1,
        memory: MEMORY_MIB,
        autostart: false,
        running: false,
        qemu_agent: false,
        disk: [{ volume_id: `\${libvirt_volume.${name}.id}` }],
        cloudinit: `\${libvirt_cloudinit_disk.${name}.id}`,
        network_interface: [
          {
            network_name: "${libvirt_network.lan.name}",
            mac: macOf(stack, name),
            wait_for_lease: false,
          },
        ],
        xml: { xslt: literal(extrasOf({ stack, pool }, name)) },
      })),
    },
  };
}

function macOf(stack: string, name: string): string {
  return macAddress({ project: "corral", stack, name }).toUpperCase();
}

/** As long as what Corral writes: a host key and a login key, which nobody uses here. */
function userDataOf(name: string): string {
  const publicKey = `ssh-ed25519 ${"A".repeat(68)} ${name}`;
  return renderUserData(
    { hostname: name },
    {
      hostKey: { privateKey: `${"A".repeat(70)}\n`.repeat(6), publicKey },
      login: { user: "corral", publicKey },
    },
  );
}

/** The stylesheet that Corral gives its domains: stamp, console and no graphics. */
function extrasOf(
  { stack, pool }: Pick<MachineSet, "stack" | "pool">,
  name: string,
): string {
  return renderDomainXslt({
    stamp: {
      id: "0123456789abcdef",
      project: "corral",
      stack,
      component: "LibvirtVm",
      name,
    },
    consoleLogPath: `${pool.path}/corral-${stack}-${name}-console.log`,
  });
}

/** Text that Terraform shall not take for a template. */
function literal(text: string): string {
  return text.replace(/([$%])\{/g, "$1$1{");
}

/** A CLI configuration that takes the provider from a folder and nothing from a registry. */
export function terraformCliConfig(providerFolder: string): string {
  return [
    "provider_installation {",
    "  dev_overrides {",
    `    ${JSON.stringify(PROVIDER_SOURCE)} = ${JSON.stringify(providerFolder)}`,
    "  }",
    "}",
    "disable_checkpoint = true",
    "",
  ].join("\n");
}
