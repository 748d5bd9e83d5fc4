// Package container tests the image and the action, as users run them: the
// unmodified Dockerfile, built and started by a real engine, real workflows in
// act, tokens that MinIO's STS verifies, and real git as the reader.
//
// The tests have the build tag container; `make test-container` installs what
// they need and runs them, as root. Nothing is pulled from a registry: the
// images that the Dockerfile and the workflows name are made of the machine's
// own files. The engine is the tests' own, in a temporary folder.
package container
