// Package remote has commands that run over ssh.
package remote

import (
	"context"
	"fmt"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"golang.org/x/crypto/ssh"

	"corral.invalid/toolchain/command-plugin/shared"
)

// Command is command:remote:Command.
type Command struct{}

// CommandInputs are its inputs, as the plugin's user writes them.
type CommandInputs struct {
	Connection *Connection `pulumi:"connection" provider:"secret"`
	shared.Inputs
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

// Delete runs the state's `delete` over the state's connection.
func (Command) Delete(
	ctx context.Context, req infer.DeleteRequest[CommandOutputs],
) (infer.DeleteResponse, error) {
	state := req.State
	_, err := state.Run(ctx, state.Delete, state.process(&state.Streams))
	return infer.DeleteResponse{}, err
}

const refusedVariable = "Unable to set '%s'. This only works if your SSH server is configured to accept\n" +
	"\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the " +
	"remote host, you could\n\tprefix the command itself with the variables in the form " +
	"'VAR=value command'"

func (i CommandInputs) process(previous *shared.Streams) shared.Process {
	return func(ctx context.Context, command string, output *shared.Output) error {
		client, err := i.Connection.dial(ctx)
		if err != nil {
			return err
		}
		defer client.Close()
		session, err := client.NewSession()
		if err != nil {
			return err
		}
		defer session.Close()
		if err := i.setVariables(ctx, session, previous); err != nil {
			return err
		}
		if input := i.Input(); input != "" {
			session.Stdin = strings.NewReader(input)
		}
		session.Stdout, session.Stderr = output.Stdout(), output.Stderr()
		// As with the real plugin, nothing here ends a command that runs on the other side.
		if err := session.Run(command); err != nil {
			return shared.Failure(err, command, output)
		}
		return nil
	}
}

func (i CommandInputs) setVariables(
	ctx context.Context, session *ssh.Session, previous *shared.Streams,
) error {
	log := p.GetLogger(ctx)
	for name, value := range i.Environment {
		if err := session.Setenv(name, value); err != nil {
			log.Errorf(refusedVariable, name)
			return fmt.Errorf("could not set environment variable %q: %w", name, err)
		}
	}
	for name, value := range i.Previous(previous) {
		if err := session.Setenv(name, value); err != nil {
			log.Warningf(refusedVariable, name)
		}
	}
	return nil
}
