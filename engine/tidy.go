package engine

import (
	"context"
	"strings"
	"time"
)

// staleAfter is when staging that another run left is taken to be dead. No
// run lasts a day: hosted runners end after six hours.
const staleAfter = 24 * time.Hour

// tidy removes this run's staging, also when the run was stopped, and what
// runs that died left a day ago. What cannot be removed does no harm, so
// there is only a warning.
func (m *mirror) tidy(ctx context.Context, st *staging) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer stop()
	defer func() { m.result.Requests = m.store.Requests() }()
	if len(st.keys) > 0 {
		if err := m.store.Delete(ctx, st.keys...); err != nil {
			m.log.Warn("staging was not removed; it goes with a later run, or with a lifecycle rule on mirror_tmp/", "error", err)
		}
	}
	if err := m.sweep(ctx, st.run); err != nil {
		m.log.Debug("looking for what earlier runs left", "error", err)
	}
}

// staleUploads is a store that keeps parts of uploads that were never ended.
type staleUploads interface {
	AbortStaleUploads(ctx context.Context, before time.Time) (int, error)
}

func (m *mirror) sweep(ctx context.Context, run string) error {
	before := m.Now().Add(-staleAfter)
	var old []string
	for info, err := range m.store.List(ctx, prefixStaging) {
		if err != nil {
			return err
		}
		if info.Modified.Before(before) && !strings.HasPrefix(info.Key, prefixStaging+run+"/") {
			old = append(old, info.Key)
		}
	}
	if len(old) > 0 {
		if err := m.store.Delete(ctx, old...); err != nil {
			return err
		}
	}
	if s, ok := m.store.(metered).Store.(staleUploads); ok {
		_, err := s.AbortStaleUploads(ctx, before)
		return err
	}
	return nil
}
