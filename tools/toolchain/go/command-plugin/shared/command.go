// Package shared has what a local and a remote command have in common.
package shared

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	p "github.com/pulumi/pulumi-go-provider"
)

// Inputs of every command. The framework makes checks, defaults, diffs and the state from the types.
type Inputs struct {
	Create                 *string           `pulumi:"create,optional"`
	Update                 *string           `pulumi:"update,optional"`
	Delete                 *string           `pulumi:"delete,optional"`
	Triggers               []any             `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Stdin                  *string           `pulumi:"stdin,optional"`
	Logging                *Logging          `pulumi:"logging,optional"`
	Environment            map[string]string `pulumi:"environment,optional"`
	AddPreviousOutputInEnv *bool             `pulumi:"addPreviousOutputInEnv,optional"`
}

// Streams are a command's outputs, always both in the state.
type Streams struct {
	Stdout string `pulumi:"stdout"`
	Stderr string `pulumi:"stderr"`
}

// OnUpdate is what runs when an input has changed; nil when nothing does.
func (i Inputs) OnUpdate() *string {
	if i.Update != nil {
		return i.Update
	}
	return i.Create
}

// Input is the text for the command's standard input; empty for none.
func (i Inputs) Input() string {
	if i.Stdin == nil {
		return ""
	}
	return *i.Stdin
}

// Previous are the variables with the outputs of the run before, where they are asked for and not
// empty. There is no run before the first, for which previous is nil.
func (i Inputs) Previous(previous *Streams) map[string]string {
	variables := map[string]string{}
	if previous == nil || (i.AddPreviousOutputInEnv != nil && !*i.AddPreviousOutputInEnv) {
		return variables
	}
	if previous.Stdout != "" {
		variables["PULUMI_COMMAND_STDOUT"] = previous.Stdout
	}
	if previous.Stderr != "" {
		variables["PULUMI_COMMAND_STDERR"] = previous.Stderr
	}
	return variables
}

// Process runs one command to its end and writes what it says.
type Process func(ctx context.Context, command string, output *Output) error

// Run runs the command, if there is one, and returns what it said.
func (i Inputs) Run(ctx context.Context, command *string, process Process) (Streams, error) {
	if command == nil {
		return Streams{}, nil
	}
	output := newOutput(i.Logging, p.GetLogger(ctx).InfoStatus)
	if err := process(ctx, *command, output); err != nil {
		return Streams{}, err
	}
	return output.streams(), nil
}

// Failure is the error of a command that ran and failed.
func Failure(cause error, command string, output *Output) error {
	return fmt.Errorf("%w: running %q:\n%s", cause, command, output.everything())
}

// NewID makes the id of a resource.
func NewID(name string) (string, error) {
	suffix := make([]byte, 4)
	if _, err := rand.Read(suffix); err != nil {
		return "", err
	}
	return name + hex.EncodeToString(suffix), nil
}
