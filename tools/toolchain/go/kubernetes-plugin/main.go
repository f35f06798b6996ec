// Pulumi's plugin "kubernetes" from its own module. Upstream's main package embeds two files that
// its release makes and its module lacks; this one embeds what they are made from, out of the
// module (see tools/toolchain/pins.ts, embeds).
package main

import (
	"bytes"
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() {
	provider.Serve("kubernetes", version.Version, withVersion(schema), terraformMapping)
}

// withVersion does what upstream's generate.go does when a release is made.
func withVersion(schema []byte) []byte {
	return bytes.Replace(schema, []byte("{"), []byte(`{"version":"`+version.Version+`",`), 1)
}
