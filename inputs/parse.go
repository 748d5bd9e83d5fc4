package inputs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/remote"
)

// The options that make pairs, and the credential.
const source, target, mirrors, token = "source", "target", "mirrors", "token"

// said is one value, as it was given. The order of all of them matters to
// pairs.
type said struct {
	option *Option
	value  string
	origin string // "--layout", "INPUT_LAYOUT"
}

// flag notes down what pflag reads. Values are looked at later, so that every
// mistake is reported, not just the first.
type flag struct {
	option *Option
	said   *[]said
}

func (f flag) String() string {
	if f.option == nil { // pflag asks this of a zero value
		return ""
	}
	return f.option.Default
}

func (f flag) Set(v string) error {
	*f.said = append(*f.said, said{f.option, v, "--" + f.option.Name})
	return nil
}

// Type is what stands for the value in the help.
func (f flag) Type() string {
	if f.option.Kind == Switch {
		return "bool"
	}
	return f.option.Value
}

// addFlags adds the options of a command whose group is one of groups.
func addFlags(flags *pflag.FlagSet, on Commands, group string, out *[]said) {
	for i := range Options {
		o := &Options[i]
		if o.On&on == 0 || o.Group != group {
			continue
		}
		f := flags.VarPF(flag{o, out}, o.Name, "", o.Help)
		if o.Kind == Switch {
			f.NoOptDefVal = "true"
		}
		if o.Alias != "" {
			flags.VarPF(flag{o, out}, o.Alias, "", o.Help).Hidden = true
		}
	}
}

// resolve makes the Config, or an error of one line for each mistake. Pairs are
// checked as a whole only when nothing is wrong with their parts; missing says
// what keeps the environment from having any.
func resolve(all []said, arguments []string, missing error) (Config, error) {
	var c Config
	var mistakes []error
	if missing != nil {
		mistakes = append(mistakes, missing)
	}
	for _, a := range arguments {
		mistakes = append(mistakes, fmt.Errorf("%q belongs to no option; write --source URL --target URL", remote.Redact(a)))
	}
	pairsOK := len(arguments) == 0 && missing == nil
	for _, s := range all {
		if err := s.option.set(&c, s.value); err != nil {
			mistakes = append(mistakes, withOrigin(s.origin, err))
			pairsOK = pairsOK && !makesPairs(s.option.Name)
		}
	}
	if err := checkTogether(&c); err != nil {
		mistakes = append(mistakes, err)
	}
	if pairsOK {
		if err := checkPairs(&c); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	c.Pairs = c.Shard.of(c.Pairs)
	return c, errors.Join(mistakes...)
}

func makesPairs(option string) bool { return option == source || option == target || option == mirrors }

// withOrigin puts where a value came from before each mistake in it.
func withOrigin(origin string, err error) error {
	var mistakes []error
	for line := range strings.Lines(err.Error()) {
		mistakes = append(mistakes, fmt.Errorf("%s: %s", origin, strings.TrimSuffix(line, "\n")))
	}
	return errors.Join(mistakes...)
}
