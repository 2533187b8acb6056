//go:build unix

package damage

import (
	"os"
	"syscall"
)

// openFlags keep a pipe that took a file's place from blocking, and a link from being followed.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK | syscall.O_NOFOLLOW
