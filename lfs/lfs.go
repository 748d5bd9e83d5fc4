// Package lfs groups what mirrors deal with Git LFS by.
//
// Into the mirror, which [Mirror] does: [pointer] finds the pointers among the blobs that stream
// through the engine, [endpoint] finds out where the repository's LFS server
// is, [batch] asks it for the objects and [transfer] copies them into the
// store.
//
// Out of the mirror: a static bucket cannot answer the batch API. [serve] is
// a loopback server that can, and [agent] a standalone transfer agent for
// git-lfs; both read the mirror through [upstream].
//
// The protocol is that of git-lfs's docs/api/batch.md and
// docs/custom-transfers.md, the pointers are those of docs/spec.md.
//
// [pointer]: https://pkg.go.dev/github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer
// [endpoint]: https://pkg.go.dev/github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/endpoint
// [batch]: https://pkg.go.dev/github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/batch
// [transfer]: https://pkg.go.dev/github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/transfer
// [serve]: https://pkg.go.dev/github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/serve
// [agent]: https://pkg.go.dev/github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/agent
// [upstream]: https://pkg.go.dev/github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/upstream
package lfs
