package dirstore

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// locker keeps a conditional write alone from its check to its rename. Other
// writes share the lock, and are so either before both or after both.
type locker struct {
	path string
	mu   sync.RWMutex // for where there is no flock, and to block no threads
}

func (l *locker) shared() (unlock func(), err error) {
	l.mu.RLock()
	return l.file(false, l.mu.RUnlock)
}

func (l *locker) exclusive() (unlock func(), err error) {
	l.mu.Lock()
	return l.file(true, l.mu.Unlock)
}

// file adds the lock between processes. Closing the file ends it.
func (l *locker) file(exclusive bool, unlock func()) (func(), error) {
	f, err := l.open()
	if err == nil {
		if err = flock(f, exclusive); err != nil {
			f.Close()
		}
	}
	if err != nil {
		unlock()
		return nil, fmt.Errorf("locking the directory: %w", err)
	}
	return func() { f.Close(); unlock() }, nil
}

func (l *locker) open() (*os.File, error) {
	if err := mkdirs(filepath.Dir(l.path)); err != nil {
		return nil, err
	}
	return os.OpenFile(l.path, os.O_RDWR|os.O_CREATE, 0o644)
}
