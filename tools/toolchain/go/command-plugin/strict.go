package main

import (
	"context"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// remedy ends every message about what the stand-in leaves out.
const remedy = ": Corral's stand-in for the plugin command does not cover it; " +
	"the official plugin does (pulumi plugin install resource command " + version + " --reinstall)"

// leftOutTypes are resources and functions of the real plugin that the stand-in does not have.
var leftOutTypes = []string{
	"command:remote:CopyToRemote",
	"command:remote:CopyFile",
	"command:local:run",
}

// leftOutProperties are properties of the real plugin's Commands that the stand-in does not have.
var leftOutProperties = []string{"assetPaths", "archivePaths", "proxy"}

// strict says of everything that the stand-in leaves out that it is left out. The framework refuses
// it anyway, but by words that make the user look for a mistake in the program.
func strict(provider p.Provider) p.Provider {
	check, invoke := provider.Check, provider.Invoke
	provider.Check = func(ctx context.Context, req p.CheckRequest) (p.CheckResponse, error) {
		if err := leftOut(string(req.Urn.Type())); err != nil {
			return p.CheckResponse{}, err
		}
		resp, err := check(ctx, req)
		for i, failure := range resp.Failures {
			for _, property := range leftOutProperties {
				if strings.Contains(failure.Reason, "Unrecognized field '"+property+"'") {
					resp.Failures[i].Reason += remedy
				}
			}
		}
		return resp, err
	}
	provider.Invoke = func(ctx context.Context, req p.InvokeRequest) (p.InvokeResponse, error) {
		if err := leftOut(string(req.Token)); err != nil {
			return p.InvokeResponse{}, err
		}
		return invoke(ctx, req)
	}
	return provider
}

func leftOut(token string) error {
	for _, known := range leftOutTypes {
		if token == known {
			return status.Error(codes.NotFound, token+remedy)
		}
	}
	return nil
}
