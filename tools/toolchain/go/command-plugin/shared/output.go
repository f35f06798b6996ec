package shared

import (
	"bytes"
	"io"
	"strings"
	"sync"

	"github.com/pulumi/pulumi-go-provider/infer"
)

// Logging chooses the streams that are shown while a command runs. Unset means both.
type Logging string

const (
	logStdout Logging = "stdout"
	logStderr Logging = "stderr"
	logBoth   Logging = "stdoutAndStderr"
	logNone   Logging = "none"
)

// Values makes it an enum in the schema.
func (Logging) Values() []infer.EnumValue[Logging] {
	return []infer.EnumValue[Logging]{
		{Name: string(logStdout), Value: logStdout},
		{Name: string(logStderr), Value: logStderr},
		{Name: string(logBoth), Value: logBoth},
		{Name: string(logNone), Value: logNone},
	}
}

func (l *Logging) shows(stream Logging) bool {
	return l == nil || *l == logBoth || *l == stream
}

// Output collects what a command writes and shows its lines meanwhile.
type Output struct {
	logging *Logging
	show    func(line string)

	lock           sync.Mutex
	stdout, stderr bytes.Buffer
	both           bytes.Buffer
	// unfinished is a shown line whose end has not come yet. Both streams share it.
	unfinished bytes.Buffer
}

func newOutput(logging *Logging, show func(line string)) *Output {
	return &Output{logging: logging, show: show}
}

// Stdout takes the command's standard output.
func (o *Output) Stdout() io.Writer { return stream{o, &o.stdout, o.logging.shows(logStdout)} }

// Stderr takes the command's standard error.
func (o *Output) Stderr() io.Writer { return stream{o, &o.stderr, o.logging.shows(logStderr)} }

type stream struct {
	output *Output
	own    *bytes.Buffer
	shown  bool
}

func (s stream) Write(piece []byte) (int, error) {
	s.output.lock.Lock()
	defer s.output.lock.Unlock()
	s.own.Write(piece)
	s.output.both.Write(piece)
	if s.shown {
		s.output.unfinished.Write(piece)
		s.output.showLines()
	}
	return len(piece), nil
}

func (o *Output) showLines() {
	for {
		end := bytes.IndexByte(o.unfinished.Bytes(), '\n')
		if end < 0 {
			return
		}
		line := string(o.unfinished.Next(end + 1))
		o.show(strings.TrimSuffix(line, "\n"))
	}
}

// finish shows a last line that no newline ends.
func (o *Output) finish() {
	if o.unfinished.Len() > 0 {
		o.show(o.unfinished.String())
		o.unfinished.Reset()
	}
}

func (o *Output) streams() Streams {
	o.lock.Lock()
	defer o.lock.Unlock()
	o.finish()
	return Streams{
		Stdout: strings.TrimSuffix(o.stdout.String(), "\n"),
		Stderr: strings.TrimSuffix(o.stderr.String(), "\n"),
	}
}

func (o *Output) everything() string {
	o.lock.Lock()
	defer o.lock.Unlock()
	o.finish()
	return o.both.String()
}
