// A stand-in for Pulumi's plugin "command" 1.2.1, see README.md.
package main

import (
	"context"
	"fmt"
	"os"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"corral.invalid/toolchain/command-plugin/local"
	"corral.invalid/toolchain/command-plugin/remote"
)

// version is that of the plugin that is stood in for.
const version = "1.2.1"

func main() {
	provider := infer.Provider(infer.Options{
		Resources: []infer.InferredResource{
			infer.Resource(local.Command{}),
			infer.Resource(remote.Command{}),
		},
	})
	if err := p.RunProvider(context.Background(), "command", version, strict(provider)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
