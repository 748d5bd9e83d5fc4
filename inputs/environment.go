package inputs

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// environment is where GitHub passes an action's inputs, and says what the job
// is.
type environment func(name string) string

// inActions says whether this is a job of GitHub Actions.
func (e environment) inActions() bool { return e("GITHUB_ACTIONS") == "true" }

// server is the one that the job's repository is on.
func (e environment) server() string {
	return strings.TrimSuffix(cmp.Or(e("GITHUB_SERVER_URL"), "https://github.com"), "/")
}

// origin is what messages call a variable: people who write workflows know
// inputs.
func (e environment) origin(variable string) string {
	if name, ok := strings.CutPrefix(variable, "INPUT_"); ok && e.inActions() {
		return "input " + strings.ToLower(name)
	}
	return variable
}

// add adds what the environment says of options that no flag did, and the
// defaults. Pairs are one option in this: flags for some would not go with
// variables for others.
func (e environment) add(all []said) ([]said, error) {
	given := map[string]bool{}
	for _, s := range all {
		given[s.option.Name] = true
	}
	var err error
	if !given[source] && !given[target] && !given[mirrors] {
		var pairs []said
		pairs, err = e.pairs()
		all = append(all, pairs...)
	}
	for i := range Options {
		o := &Options[i]
		if o.On&Mirror != 0 && !given[o.Name] && !makesPairs(o.Name) {
			all = append(all, e.read(o)...)
		}
	}
	if !given[token] {
		all = append(all, e.jobToken()...)
	}
	return all, err
}

// read returns what is said of an option, or its default.
func (e environment) read(o *Option) []said {
	for _, variable := range []string{o.InputVariable(), inputVariable(o.Alias), o.Env} {
		if variable == "" || e.isJobToken(variable) {
			continue
		}
		v := e(variable)
		if !o.Lines { // whose lines are counted
			v = strings.TrimSpace(v)
		}
		if strings.TrimSpace(v) != "" {
			return e.split(o, v, e.origin(variable))
		}
	}
	if o.Default == "" {
		return nil
	}
	return []said{{o, o.Default, "--" + o.Name}}
}

// split gives the values of a variable: one a line, if there may be several.
func (e environment) split(o *Option, value, origin string) []said {
	if !o.Repeat {
		return []said{{o, value, origin}}
	}
	var values []said
	for line := range strings.Lines(value) {
		if line = strings.TrimSpace(line); line != "" {
			values = append(values, said{o, line, origin})
		}
	}
	return values
}

// pairs returns the pairs of sources and targets, line by line, and those of
// mirrors. A job's own repository needs no source.
func (e environment) pairs() ([]said, error) {
	sources, targets, lines := e.read(option(source)), e.read(option(target)), e.read(option(mirrors))
	if e.inActions() && len(sources) == 0 && len(targets) == 1 && e("GITHUB_REPOSITORY") != "" {
		sources = []said{{option(source), e.server() + "/" + e("GITHUB_REPOSITORY"), "the repository"}}
	}
	if e.inActions() && len(targets)+len(lines) == 0 {
		return nil, errors.New(`input target is missing: write "target: s3://my-bucket/my-repo" below "with:", or pairs as mirrors`)
	}
	if len(sources) != len(targets) {
		return nil, fmt.Errorf("%s and %s don't go together: %d and %d were given; write a target for each source, a line each, or pairs as mirrors",
			e.origin(inputVariable(source)), e.origin(inputVariable(target)), len(sources), len(targets))
	}
	var pairs []said
	for i := range sources {
		pairs = append(pairs, sources[i], targets[i])
	}
	return append(pairs, lines...), nil
}

// option returns the option of a name.
func option(name string) *Option {
	for i := range Options {
		if Options[i].Name == name {
			return &Options[i]
		}
	}
	return nil
}

// isJobToken says whether a variable holds a job's token. Its default is the
// job's own, which only the job's server may see.
func (e environment) isJobToken(variable string) bool {
	return variable == inputVariable(token) && e.inActions()
}

// jobToken gives the token to the job's server, unless tokens has another one
// for it.
func (e environment) jobToken() []said {
	v := strings.TrimSpace(e(inputVariable(token)))
	server, err := url.Parse(e.server())
	if v == "" || err != nil || !e.inActions() {
		return nil
	}
	host := strings.ToLower(server.Host)
	own := &Option{Name: token, secrets: itself, set: func(c *Config, v string) error {
		if c.Tokens[host] != "" || c.Tokens[server.Scheme+"://"+host] != "" {
			return nil
		}
		if c.Tokens == nil {
			c.Tokens = map[string]string{}
		}
		c.Tokens[server.Scheme+"://"+host] = v
		return checkToken(v)
	}}
	return []said{{own, v, e.origin(inputVariable(token))}}
}
