package inputs

// Kind is what an option's value looks like.
type Kind int

// The kinds of options.
const (
	Text   Kind = iota
	Switch      // true or false; a flag alone means true
	Number
	Size // bytes, with or without a unit
)

// Commands is a set of commands.
type Commands uint

// The commands.
const (
	Mirror Commands = 1 << iota
	Serve
	Agent
)

// Option is one thing that a user can say. Its flag is --Name and its variable
// in the environment INPUT_NAME, in capitals, as GitHub passes an action's
// inputs. The command line goes before the environment; an empty variable
// counts as unset, as GitHub sends it for an input that was left out.
type Option struct {
	Name   string
	Kind   Kind
	Repeat bool   // may be given several times; one a line in the environment
	Value  string // stands for the value in the help
	// Default is the value in effect when nothing is said; "" is none.
	Default string
	Env     string // a further variable, read after INPUT_NAME
	Help    string
	Group   string
	On      Commands

	set func(c *Config, value string) error
}

// The groups of the help, in its order.
const (
	groupPairs  = "What to mirror, pair by pair"
	groupRefs   = "Which part of it, and how"
	groupStore  = "Where it is stored"
	groupRun    = "Resources"
	groupOutput = "Output"
)

var groups = []string{groupPairs, groupRefs, groupStore, groupRun, groupOutput}

// Options is the table of all options, in the order of the help.
var Options = []Option{
	{Name: source, Repeat: true, Value: "URL", Group: groupPairs, On: Mirror, set: setSource,
		Help: "repository to read, over http or https"},
	{Name: target, Repeat: true, Value: "URL", Group: groupPairs, On: Mirror, set: setTarget,
		Help: "where the mirror of the --source before it goes: s3://bucket/prefix or file:///absolute/dir"},
	{Name: "token", Value: "TOKEN", Env: "MIRROR_TOKEN", Group: groupPairs, On: Mirror, set: setToken,
		Help: "credential for sources that ask for one. Better put it in the variable MIRROR_TOKEN: other users of a machine can see command lines"},

	{Name: "refs", Repeat: true, Value: "GLOB", Group: groupRefs, On: Mirror, set: setRefs,
		Help: `mirror only refs whose full name matches, such as "refs/heads/*"; may be repeated (default all refs)`},
	{Name: "exclude-refs", Repeat: true, Value: "GLOB", Group: groupRefs, On: Mirror, set: setExcludeRefs,
		Help: `leave out refs whose full name matches, such as "refs/pull/*"; may be repeated`},
	{Name: "layout", Value: "auto|pack|loose", Default: "auto", Group: groupRefs, On: Mirror, set: setLayout,
		Help: "keep objects in the pack they came in, or each by itself; auto takes loose for fewer than 100"},
	{Name: "lfs", Value: "true|false|best-effort", Default: "true", Group: groupRefs, On: Mirror, set: setLFS,
		Help: "mirror Git LFS objects; best-effort goes on when some can't be had"},
	{Name: "full", Kind: Switch, Default: "false", Group: groupRefs, On: Mirror,
		set:  setSwitch(func(c *Config) *bool { return &c.Full }),
		Help: "fetch everything again, not only what is new since the last run"},
	{Name: "dry-run", Kind: Switch, Default: "false", Group: groupRefs, On: Mirror,
		set:  setSwitch(func(c *Config) *bool { return &c.DryRun }),
		Help: "say what would be done, write nothing"},

	{Name: "endpoint-url", Value: "URL", Group: groupStore, On: Mirror | Serve | Agent, set: setEndpointURL,
		Help: "address of an S3-compatible store (default AWS_ENDPOINT_URL, else AWS itself)"},
	{Name: "region", Value: "REGION", Group: groupStore, On: Mirror | Serve | Agent,
		set:  setText(func(c *Config) *string { return &c.Region }),
		Help: "region of the buckets (default AWS_REGION, else the AWS profile's)"},
	{Name: "force-path-style", Kind: Switch, Default: "false", Group: groupStore, On: Mirror | Serve | Agent,
		set:  setSwitch(func(c *Config) *bool { return &c.ForcePathStyle }),
		Help: "address buckets as https://host/bucket, not https://bucket.host, as many S3-compatible stores need"},
	{Name: "storage-class", Value: "CLASS", Group: groupStore, On: Mirror, set: setStorageClass,
		Help: "storage class of packs and objects, such as INTELLIGENT_TIERING (default the bucket's)"},
	{Name: "sse", Value: "TYPE", Group: groupStore, On: Mirror, set: setSSE,
		Help: "server-side encryption to ask for, where a bucket's policy demands it: AES256, aws:kms or aws:kms:dsse (default the bucket's)"},
	{Name: "sse-kms-key-id", Value: "KEY", Group: groupStore, On: Mirror,
		set:  setText(func(c *Config) *string { return &c.SSEKMSKeyID }),
		Help: "id or ARN of the KMS key for it (default the account's own)"},
	{Name: "object-tags", Repeat: true, Value: "KEY=VALUE", Group: groupStore, On: Mirror, set: setObjectTags,
		Help: "tag of every object written; may be repeated"},

	{Name: "concurrency", Kind: Number, Value: "N", Default: "4", Group: groupRun, On: Mirror, set: setConcurrency,
		Help: "mirrors at once"},
	{Name: "max-memory", Kind: Size, Value: "SIZE", Group: groupRun, On: Mirror, set: setMaxMemory,
		Help: "memory for all mirrors together, such as 512MiB or 1GB (default half of what the process may use, at least 128MiB)"},

	{Name: "json", Kind: Switch, Default: "false", Group: groupOutput, On: Mirror,
		set:  setSwitch(func(c *Config) *bool { return &c.JSON }),
		Help: "print the results as JSON on stdout, and everything else on stderr"},
	{Name: "verbose", Kind: Switch, Default: "false", Group: groupOutput, On: Mirror | Serve | Agent,
		set:  setSwitch(func(c *Config) *bool { return &c.Verbose }),
		Help: "log what is being done, on stderr"},
}
