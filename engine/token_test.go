package engine

import "testing"

func TestToken(t *testing.T) {
	m := &mirror{
		Options: Options{Token: "any", Tokens: map[string]string{"https://github.example": "job", "git.example:8443": "other"}},
		pair:    Pair{Source: "https://source.example/a"},
	}
	for at, want := range map[string]string{
		"https://source.example/a":     "any",
		"https://Source.Example/b":     "any",
		"http://source.example/a":      "", // never less safe than what was named
		"https://elsewhere.example/a":  "",
		"https://GitHub.example/a":     "job",
		"http://github.example/a":      "",
		"https://git.example:8443/a":   "other",
		"http://git.example:8443/a":    "other",
		"https://git.example/a":        "",
		"https://x.github.example/a":   "",
		"https://github.example.net/a": "",
		"://":                          "",
	} {
		if got := m.token(at); got != want {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
}
