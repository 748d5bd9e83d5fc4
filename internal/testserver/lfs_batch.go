package testserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

type lfsBatch struct {
	Operation string         `json:"operation,omitempty"`
	Transfer  string         `json:"transfer,omitempty"`
	Transfers []string       `json:"transfers,omitempty"`
	HashAlgo  string         `json:"hash_algo,omitempty"`
	Objects   []lfsBatchItem `json:"objects"`
}

type lfsBatchItem struct {
	OID     string               `json:"oid"`
	Size    int64                `json:"size"`
	Actions map[string]lfsAction `json:"actions,omitempty"`
	Error   *lfsError            `json:"error,omitempty"`
}

type lfsAction struct {
	Href      string            `json:"href"`
	Header    map[string]string `json:"header,omitempty"`
	ExpiresAt string            `json:"expires_at,omitempty"`
}

type lfsError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

const lfsMediaType = "application/vnd.git-lfs+json"

// serveBatch answers as strictly as servers do.
func (l *LFS) serveBatch(w http.ResponseWriter, r *http.Request) {
	if l.Batch != nil && l.Batch(w, r) {
		return
	}
	if user, password, _ := r.BasicAuth(); l.User != "" && (user != l.User || password != l.Password) {
		w.Header().Set("LFS-Authenticate", `Basic realm="lfs"`)
		lfsRefuse(w, http.StatusUnauthorized, "credentials needed")
		return
	}
	var body lfsBatch
	switch err := json.NewDecoder(r.Body).Decode(&body); {
	case r.Header.Get("Accept") != lfsMediaType || r.Header.Get("Content-Type") != lfsMediaType:
		lfsRefuse(w, http.StatusNotAcceptable, "wrong media type")
	case err != nil || body.Operation != "download" || body.HashAlgo != "sha256":
		lfsRefuse(w, http.StatusUnprocessableEntity, fmt.Sprint("cannot read the request: ", err))
	case len(body.Objects) > 100:
		lfsRefuse(w, http.StatusRequestEntityTooLarge, "more than 100 objects")
	default:
		answer := lfsBatch{Transfer: "basic", HashAlgo: "sha256", Objects: []lfsBatchItem{}}
		for _, o := range body.Objects {
			if item, mention := l.item(o); mention {
				answer.Objects = append(answer.Objects, item)
			}
		}
		w.Header().Set("Content-Type", lfsMediaType)
		_ = json.NewEncoder(w).Encode(answer)
	}
}

func (l *LFS) item(asked lfsBatchItem) (item lfsBatchItem, mention bool) {
	o, ok := l.object(asked.OID, true)
	item = lfsBatchItem{OID: asked.OID, Size: asked.Size}
	if !ok || o.fault == Missing || o.size != asked.Size && o.fault == NoFault {
		item.Error = &lfsError{Code: 404, Message: "Object does not exist"}
		return item, true
	}
	href := fmt.Sprintf("%s/content/%s?fresh=%d", l.URL, asked.OID, o.fresh)
	if o.fault == NotHTTP {
		href = "ftp://host/" + asked.OID
	}
	item.Actions = map[string]lfsAction{"download": {
		Href:      href,
		Header:    map[string]string{"X-Lfs-Secret": LFSSecret, "Authorization": "RemoteAuth " + LFSSecret},
		ExpiresAt: o.expiry(),
	}}
	return item, o.fault != Unmentioned
}

func lfsRefuse(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Content-Type", lfsMediaType)
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

// RefuseOversized answers 422 to calls for an object of more than limit
// bytes, for the whole of them, as some servers do. Its form is LFS.Batch's.
func RefuseOversized(w http.ResponseWriter, r *http.Request, limit int64) bool {
	raw, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(raw))
	var body lfsBatch
	_ = json.Unmarshal(raw, &body)
	for _, o := range body.Objects {
		if o.Size > limit {
			lfsRefuse(w, http.StatusUnprocessableEntity, "Size is too large")
			return true
		}
	}
	return false
}
