package remote

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/retry"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Connection says how a machine is logged in to. Without `proxy`, which the stand-in leaves out.
type Connection struct {
	Host               string   `pulumi:"host"`
	Port               *float64 `pulumi:"port,optional"`
	User               *string  `pulumi:"user,optional"`
	Password           *string  `pulumi:"password,optional" provider:"secret"`
	PrivateKey         *string  `pulumi:"privateKey,optional" provider:"secret"`
	PrivateKeyPassword *string  `pulumi:"privateKeyPassword,optional" provider:"secret"`
	AgentSocketPath    *string  `pulumi:"agentSocketPath,optional"`
	DialErrorLimit     *int     `pulumi:"dialErrorLimit,optional"`
	PerDialTimeout     *int     `pulumi:"perDialTimeout,optional"`
	HostKey            *string  `pulumi:"hostKey,optional"`
}

// Annotate sets the defaults that Check fills in. Create and Update rely on it.
func (c *Connection) Annotate(a infer.Annotator) {
	a.SetDefault(&c.Port, 22)
	a.SetDefault(&c.User, "root")
	a.SetDefault(&c.DialErrorLimit, 10)
	a.SetDefault(&c.PerDialTimeout, 15)
}

// dial connects and logs in. Whatever fails on the way there is tried again.
func (c *Connection) dial(ctx context.Context) (*ssh.Client, error) {
	config, err := c.clientConfig()
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort(c.Host, strconv.Itoa(int(value(c.Port))))
	limit := value(c.DialErrorLimit)
	shownLimit := strconv.Itoa(limit)
	if limit < 0 {
		shownLimit = "inf"
	}
	log := p.GetLogger(ctx)
	connected, client, err := retry.Until(ctx, retry.Acceptor{
		Accept: func(attempt int, _ time.Duration) (bool, any, error) {
			client, err := ssh.Dial("tcp", address, config)
			if err == nil {
				return true, client, nil
			}
			if limit >= 0 && attempt >= limit {
				return false, nil, fmt.Errorf("after %d failed attempts: %w", attempt, err)
			}
			log.InfoStatusf("Dial %d/%s failed: retrying", attempt+1, shownLimit)
			return false, nil, nil
		},
	})
	if err != nil {
		return nil, err
	}
	if !connected {
		return nil, ctx.Err()
	}
	return client.(*ssh.Client), nil
}

func (c *Connection) clientConfig() (*ssh.ClientConfig, error) {
	methods, err := c.authMethods()
	if err != nil {
		return nil, err
	}
	config := &ssh.ClientConfig{
		User:            value(c.User),
		Auth:            methods,
		HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		Timeout:         time.Duration(value(c.PerDialTimeout)) * time.Second,
	}
	if c.HostKey != nil {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(*c.HostKey))
		if err != nil {
			return nil, fmt.Errorf("failed to parse host key: %w", err)
		}
		config.HostKeyCallback = ssh.FixedHostKey(key)
		config.HostKeyAlgorithms = []string{key.Type()}
	}
	return config, nil
}

func (c *Connection) authMethods() ([]ssh.AuthMethod, error) {
	var methods []ssh.AuthMethod
	if c.PrivateKey != nil {
		key := []byte(*c.PrivateKey)
		var signer ssh.Signer
		var err error
		if c.PrivateKeyPassword != nil {
			signer, err = ssh.ParsePrivateKeyWithPassphrase(key, []byte(*c.PrivateKeyPassword))
		} else {
			signer, err = ssh.ParsePrivateKey(key)
		}
		if err != nil {
			return nil, err
		}
		methods = append(methods, ssh.PublicKeys(signer))
	}
	if c.Password != nil {
		methods = append(methods, ssh.Password(*c.Password), ssh.KeyboardInteractive(
			func(_, _ string, questions []string, _ []bool) ([]string, error) {
				answers := make([]string, len(questions))
				for i := range questions {
					answers[i] = *c.Password
				}
				return answers, nil
			}))
	}
	socket := os.Getenv("SSH_AUTH_SOCK")
	if c.AgentSocketPath != nil {
		socket = *c.AgentSocketPath
	}
	if socket != "" {
		connection, err := net.Dial("unix", socket)
		if err != nil {
			return nil, err
		}
		methods = append(methods, ssh.PublicKeysCallback(agent.NewClient(connection).Signers))
	}
	return methods, nil
}

func value[T any](pointer *T) T {
	var zero T
	if pointer == nil {
		return zero
	}
	return *pointer
}
