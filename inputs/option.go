package inputs

import "strings"

// Kind is what an option's value looks like.
type Kind int

// The kinds of options.
const (
	Text   Kind = iota
	Switch      // true or false; a flag alone means true
	Number
	Size // bytes, with or without a unit
)

// Commands is a set of commands.
type Commands uint

// The commands.
const (
	Mirror Commands = 1 << iota
	Serve
	Agent
)

// Option is one thing that a user can say. Its flag is --Name and its variable
// in the environment INPUT_NAME, in capitals, as GitHub passes an action's
// inputs. The command line goes before the environment; an empty variable
// counts as unset, as GitHub sends it for an input that was left out.
type Option struct {
	Name   string
	Alias  string // a second name for all this; "" is none
	Kind   Kind
	Repeat bool   // may be given several times; one a line in the environment
	Lines  bool   // several lines are for set to take apart
	Value  string // stands for the value in the help
	// Default is the value in effect when nothing is said; "" is none.
	Default string
	// ActionDefault is the default in action.yml, where that is another one.
	ActionDefault string
	Env           string // a further variable, read after INPUT_NAME
	Help          string
	ActionHelp    string // in action.yml; "" is Help
	Group         string
	On            Commands

	set func(c *Config, value string) error
	// secrets returns what of a value nobody may see; nil is nothing.
	secrets func(value string) []string
}

// InputVariable is the variable that GitHub passes the action's input in.
func (o Option) InputVariable() string { return inputVariable(o.Name) }

// inputVariable returns "" for no name.
func inputVariable(name string) string {
	if name == "" {
		return ""
	}
	return "INPUT_" + strings.ToUpper(name)
}

// The groups of the help, in its order.
const (
	groupPairs  = "What to mirror, pair by pair"
	groupRefs   = "Which part of it, and how"
	groupStore  = "Where it is stored"
	groupAWS    = "AWS credentials, other than those of the environment"
	groupRun    = "Resources"
	groupOutput = "Output"
)

var groups = []string{groupPairs, groupRefs, groupStore, groupAWS, groupRun, groupOutput}
