package serve

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/upstream"
)

const (
	readOnly  = "this mirror can only be read; push to the repository that it is made of"
	mediaType = "application/vnd.git-lfs+json"
	// maxCall bounds a call: 1,000 objects need 110 KB.
	maxCall    = 1 << 20
	maxObjects = 1000
	// lookups is how many objects of a call are looked for at once.
	lookups = 16
)

type call struct {
	Operation string   `json:"operation"`
	Transfers []string `json:"transfers"`
	HashAlgo  string   `json:"hash_algo"`
	Objects   []object `json:"objects"`
}

type answer struct {
	Transfer string   `json:"transfer"`
	Objects  []object `json:"objects"`
	HashAlgo string   `json:"hash_algo"`
}

type object struct {
	OID           string            `json:"oid"`
	Size          int64             `json:"size"`
	Authenticated bool              `json:"authenticated,omitempty"`
	Actions       map[string]action `json:"actions,omitempty"`
	Error         *objectError      `json:"error,omitempty"`
}

type action struct {
	Href string `json:"href"`
}

type objectError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// serveLFS answers the batch API for downloads, and refuses the rest in words
// that git-lfs shows.
func (h *Handler) serveLFS(w http.ResponseWriter, r *http.Request, what string) {
	switch {
	case what != "objects/batch":
		// git-lfs then goes on without locks.
		say(w, http.StatusNotImplemented, map[string]string{"message": "this mirror has LFS objects only, no locks"})
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		say(w, http.StatusMethodNotAllowed, map[string]string{"message": "the batch API takes POST"})
		return
	}
	var c call
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxCall)).Decode(&c)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge) || len(c.Objects) > maxObjects:
		say(w, http.StatusRequestEntityTooLarge, map[string]string{"message": "too many objects at once"})
	case err != nil:
		say(w, http.StatusUnprocessableEntity, map[string]string{"message": "this is no call of the batch API"})
	case c.Operation != "download":
		say(w, http.StatusForbidden, map[string]string{"message": readOnly})
	case c.HashAlgo != "" && c.HashAlgo != "sha256":
		say(w, http.StatusConflict, map[string]string{"message": "the objects are named by sha256"})
	default:
		h.find(r.Context(), c.Objects, h.base(r))
		say(w, http.StatusOK, answer{Transfer: "basic", HashAlgo: "sha256", Objects: c.Objects})
	}
}

// base is the address of the mirror as the client sees it.
func (h *Handler) base(r *http.Request) string {
	return (&url.URL{Scheme: "http", Host: r.Host, Path: "/" + h.name + "/"}).String()
}

// find fills in where the objects are, or that they are missing.
func (h *Handler) find(ctx context.Context, objects []object, base string) {
	var group errgroup.Group
	group.SetLimit(lookups)
	for i := range objects {
		group.Go(func() error {
			o := &objects[i]
			size, fault := h.look(ctx, o.OID)
			if fault != nil {
				*o = object{OID: o.OID, Size: o.Size, Error: fault}
				return nil
			}
			*o = object{OID: o.OID, Size: size, Authenticated: true,
				Actions: map[string]action{"download": {Href: base + pointer.Key(o.OID)}}}
			return nil
		})
	}
	_ = group.Wait()
}

func (h *Handler) look(ctx context.Context, oid string) (int64, *objectError) {
	if !pointer.ValidOID(oid) {
		return 0, &objectError{http.StatusUnprocessableEntity, "the oid is not 64 hex digits"}
	}
	f, err := upstream.Stat(ctx, h.upstream, pointer.Key(oid))
	switch {
	case err == nil:
		return f.Info().Size, nil
	case upstream.NotThere(err):
		return 0, &objectError{http.StatusNotFound, "the mirror does not have this object"}
	}
	h.log.Warn("the mirror cannot be read", "oid", oid, "error", err)
	return 0, &objectError{http.StatusBadGateway, strings.ReplaceAll(err.Error(), "\n", " ")}
}

func say(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}
