package inputs

import (
	"net/url"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/awsauth"
)

// tellSecrets tells what of all that was said nobody may see. It comes before
// everything is checked, since messages repeat what is wrong.
func tellSecrets(all []said, tell func(string)) {
	if tell == nil {
		return
	}
	account := false
	for _, s := range all {
		if s.option.secrets != nil {
			for _, secret := range s.option.secrets(s.value) {
				tell(secret)
			}
		}
		masked, err := parseSwitch(s.value)
		account = account || s.option.Name == maskAccount && err == nil && masked
	}
	if !account {
		return
	}
	for _, s := range all {
		switch s.option.Name {
		case roleToAssume:
			tell(awsauth.AccountOf(s.value))
		case allowedAccounts:
			for _, id := range list(s.value) {
				tell(id)
			}
		}
	}
}

func itself(v string) []string { return []string{v} }

// userInfo finds the user info of URLs, the way they were written and what
// that means. A user without a password is often a token.
func userInfo(text string) []string {
	var found []string
	for _, word := range strings.Fields(text) {
		_, rest, ok := strings.Cut(word, "://")
		if !ok {
			continue
		}
		authority, _, _ := strings.Cut(rest, "/")
		at := strings.LastIndexByte(authority, '@')
		if at < 0 {
			continue
		}
		user, password, _ := strings.Cut(authority[:at], ":")
		secret := password
		if password == "" {
			secret = user
		}
		found = append(found, authority[:at], secret)
		if plain, err := url.PathUnescape(secret); err == nil {
			found = append(found, plain)
		}
	}
	return found
}

func afterEqualSigns(text string) []string {
	var found []string
	for line := range strings.Lines(text) {
		if _, v, ok := strings.Cut(line, "="); ok {
			found = append(found, strings.TrimSpace(v))
		} else {
			found = append(found, strings.TrimSpace(line)) // perhaps a token without its host
		}
	}
	return found
}
