import { serve } from "./frame/serve";
import { schemaText } from "./frame/schema";
import { plugin } from "./plugin";

const args = process.argv.slice(2);

if (args.includes("--schema")) {
  // For provider/schema.json, and for whoever wants to read it without an engine.
  process.stdout.write(schemaText(plugin.facts, plugin.resources));
} else {
  serve(plugin, args).catch((error: unknown) => {
    process.stderr.write(`corral-ops could not start: ${String(error)}\n`);
    process.exit(1);
  });
}
