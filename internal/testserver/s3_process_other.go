//go:build !linux

package testserver

import "os/exec"

// startBound starts a process and closes ended when it is over.
func startBound(cmd *exec.Cmd, ended chan<- struct{}) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		cmd.Wait()
		close(ended)
	}()
	return nil
}

// hasAttributes is not looked into here.
func hasAttributes(string) bool { return false }
