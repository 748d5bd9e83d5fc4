package report

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
)

// NewHandler returns a handler that writes log records for people to read, one
// line and one Write a record: "warning: message key=value". With a level of
// slog.LevelDebug or below, lines start with the time of day.
func NewHandler(w io.Writer, level slog.Leveler) slog.Handler {
	return &handler{w: w, level: level, mu: new(sync.Mutex)}
}

type handler struct {
	w      io.Writer
	level  slog.Leveler
	mu     *sync.Mutex // one Write at a time, whatever the writer
	attrs  string      // " key=value" of WithAttrs
	prefix string      // "group." of WithGroup

	// annotate, if there is one, takes warnings and errors instead of w.
	annotate func(kind, message string)
}

func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	if h.level.Level() <= slog.LevelDebug && !r.Time.IsZero() {
		b.WriteString(r.Time.Format("15:04:05.000 "))
	}
	annotated := h.annotate != nil && r.Level >= slog.LevelWarn
	if !annotated {
		b.WriteString(levelWord(r.Level))
	}
	b.WriteString(oneLine(r.Message))
	b.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		writeAttr(&b, h.prefix, a)
		return true
	})
	if annotated {
		h.annotate(strings.TrimSuffix(levelWord(r.Level), ": "), b.String())
		return nil
	}
	b.WriteByte('\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, b.String())
	return err
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	for _, a := range attrs {
		writeAttr(&b, h.prefix, a)
	}
	c := *h
	c.attrs += b.String()
	return &c
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.prefix += name + "."
	return &c
}

// levelWord marks what is not plain information.
func levelWord(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error: "
	case l >= slog.LevelWarn:
		return "warning: "
	case l >= slog.LevelInfo:
		return ""
	}
	return "debug: "
}

func writeAttr(b *strings.Builder, prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return
	}
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, member := range v.Group() {
			writeAttr(b, prefix, member)
		}
		return
	}
	text := v.String()
	if text == "" || oneLine(text) != text || strings.ContainsAny(text, ` "=`) {
		text = strconv.Quote(text)
	}
	fmt.Fprintf(b, " %s%s=%s", prefix, a.Key, text)
}
