// Package pktline reads and writes pkt-lines, the frames of git's wire
// protocols, and takes side bands apart. Start with [Reader] and [Demux] to
// read, [Writer] to write.
//
// # A pkt-line
//
// Four hex digits give the length of the whole line, themselves included
// (gitprotocol-common(5)):
//
//	+---+---+---+---+-----------------------+
//	|   length n    |   n-4 bytes payload   |    n = 0005 … fff0
//	+---+---+---+---+-----------------------+
//	  '0' '0' '0' 'a' 'd' 'o' 'n' 'e' '\n' '!'
//
//	+---+---+---+---+
//	| 0   0   0   0 |    flush: the end of a message
//	| 0   0   0   1 |    delimiter: the end of a section (protocol v2)
//	| 0   0   0   2 |    response end (protocol v2, between git's own processes)
//	| 0   0   0   4 |    an empty line; not to be sent, yet accepted
//	+---+---+---+---+
//
// A line whose payload starts with "ERR " reports a fatal error of the other
// side and may stand wherever a line is expected (gitprotocol-pack(5)).
//
// # Side bands
//
// Once both sides agreed on it, the first byte of each payload says where the
// rest belongs (gitprotocol-pack(5), "side-band"):
//
//	+---+---+---+---+------+---------------------+
//	|   length n    | band |   n-5 bytes         |
//	+---+---+---+---+------+---------------------+
//	                   1     pack data
//	                   2     progress, to be shown
//	                   3     a fatal error's message
//
// A flush ends it.
package pktline
