package inputs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/remote"
)

// The options that make pairs.
const source, target = "source", "target"

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
	}
}

// addEnvironment adds what the environment says of options that no flag did,
// and the defaults. Pairs are one option in this: flags for some would not go
// with variables for others.
func addEnvironment(all []said, on Commands, getenv func(string) string) []said {
	given := map[string]bool{}
	for _, s := range all {
		given[s.option.Name] = true
	}
	if given[source] || given[target] {
		given[source], given[target] = true, true
	}
	for i := range Options {
		o := &Options[i]
		if o.On&on == 0 || given[o.Name] {
			continue
		}
		value, origin := fromEnvironment(o, getenv)
		for _, v := range split(o, value) {
			all = append(all, said{o, v, origin})
		}
	}
	return all
}

func fromEnvironment(o *Option, getenv func(string) string) (value, origin string) {
	for _, name := range []string{o.InputVariable(), o.Env} {
		if name == "" {
			continue
		}
		if v := strings.TrimSpace(getenv(name)); v != "" {
			return v, name
		}
	}
	return o.Default, "--" + o.Name
}

// InputVariable is the variable that GitHub passes the action's input in.
func (o Option) InputVariable() string { return "INPUT_" + strings.ToUpper(o.Name) }

// split gives the values of a variable: one a line, if there may be several.
func split(o *Option, value string) []string {
	if value == "" {
		return nil
	}
	if !o.Repeat {
		return []string{value}
	}
	var values []string
	for line := range strings.Lines(value) {
		if line = strings.TrimSpace(line); line != "" {
			values = append(values, line)
		}
	}
	return values
}

// resolve makes the Config, or an error of one line for each mistake. Pairs are
// checked as a whole only when nothing is wrong with their parts.
func resolve(all []said, arguments []string) (Config, error) {
	var c Config
	var mistakes []error
	for _, a := range arguments {
		mistakes = append(mistakes, fmt.Errorf("%q belongs to no option; write --source URL --target URL", remote.Redact(a)))
	}
	pairsOK := len(arguments) == 0
	for _, s := range all {
		if err := s.option.set(&c, s.value); err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", s.origin, err))
			pairsOK = pairsOK && s.option.Name != source && s.option.Name != target
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
	return c, errors.Join(mistakes...)
}
