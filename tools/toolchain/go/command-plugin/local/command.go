// Package local has commands that run beside the engine.
package local

import (
	"context"
	"os"
	"os/exec"
	"strings"

	"github.com/pulumi/pulumi-go-provider/infer"

	"corral.invalid/toolchain/command-plugin/shared"
)

// Command is command:local:Command.
type Command struct{}

// CommandInputs are its inputs, as the plugin's user writes them.
type CommandInputs struct {
	shared.Inputs
	Interpreter []string `pulumi:"interpreter,optional"`
	Dir         *string  `pulumi:"dir,optional"`
}

// CommandOutputs are its state.
type CommandOutputs struct {
	CommandInputs
	shared.Streams
}

// Create runs `create`.
func (Command) Create(
	ctx context.Context, req infer.CreateRequest[CommandInputs],
) (infer.CreateResponse[CommandOutputs], error) {
	outputs := CommandOutputs{CommandInputs: req.Inputs}
	id, err := shared.NewID(req.Name)
	if err == nil && !req.DryRun {
		outputs.Streams, err = req.Inputs.Run(ctx, req.Inputs.Create, req.Inputs.process(nil))
	}
	return infer.CreateResponse[CommandOutputs]{ID: id, Output: outputs}, err
}

// Update runs `update`, or `create` where that is not given, after any change.
func (Command) Update(
	ctx context.Context, req infer.UpdateRequest[CommandInputs, CommandOutputs],
) (infer.UpdateResponse[CommandOutputs], error) {
	previous := req.State.Streams
	outputs := CommandOutputs{CommandInputs: req.Inputs, Streams: previous}
	command := req.Inputs.OnUpdate()
	var err error
	if command != nil && !req.DryRun {
		outputs.Streams, err = req.Inputs.Run(ctx, command, req.Inputs.process(&previous))
	}
	return infer.UpdateResponse[CommandOutputs]{Output: outputs}, err
}

// Delete runs the state's `delete`.
func (Command) Delete(
	ctx context.Context, req infer.DeleteRequest[CommandOutputs],
) (infer.DeleteResponse, error) {
	state := req.State
	_, err := state.Run(ctx, state.Delete, state.process(&state.Streams))
	return infer.DeleteResponse{}, err
}

func (i CommandInputs) process(previous *shared.Streams) shared.Process {
	return func(ctx context.Context, command string, output *shared.Output) error {
		argv := i.Interpreter
		if len(argv) == 0 {
			argv = []string{"/bin/sh", "-c"}
		}
		argv = append(append([]string{}, argv...), command)
		process := exec.CommandContext(ctx, argv[0], argv[1:]...)
		if i.Dir != nil {
			process.Dir = *i.Dir
		}
		process.Env = os.Environ()
		for _, variables := range []map[string]string{i.Environment, i.Previous(previous)} {
			for name, value := range variables {
				process.Env = append(process.Env, name+"="+value)
			}
		}
		if input := i.Input(); input != "" {
			process.Stdin = strings.NewReader(input)
		}
		process.Stdout, process.Stderr = output.Stdout(), output.Stderr()
		if err := process.Run(); err != nil {
			return shared.Failure(err, command, output)
		}
		return nil
	}
}
