package testserver

import (
	"os/exec"
	"runtime"
	"syscall"
)

// startBound starts a process that the kernel kills when this one ends in
// whatever way, and closes ended when it is over. The signal is sent at the
// end of the thread that started the process, so that thread stays for as
// long (https://go.dev/issue/27505).
func startBound(cmd *exec.Cmd, ended chan<- struct{}) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
			close(ended)
		}
	}()
	return <-started
}

// hasAttributes tells whether files in dir can have extended attributes,
// which is where the server likes to keep its metadata.
func hasAttributes(dir string) bool {
	return syscall.Setxattr(dir, "user.mirror-test", []byte("x"), 0) == nil
}
