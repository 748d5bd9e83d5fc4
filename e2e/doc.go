// Package e2e holds tests of the built program as its users run it: against
// real git servers and a real S3 server, with the result cloned by real git.
//
// [TestRepositories] mirrors each kind of repository in each layout,
// [TestSecondRuns] follows a repository that changes, the other files take
// one concern each: servers that misbehave, signals, memory.
// internal/mirrorcheck is the judge of every mirror.
package e2e
