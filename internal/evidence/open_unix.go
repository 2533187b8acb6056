//go:build unix

package evidence

import "syscall"

// nonBlock keeps the opening of a pipe that took a file's place from waiting for a writer.
const nonBlock = syscall.O_NONBLOCK
