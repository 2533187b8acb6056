//go:build !unix

package damage

import "os"

const openFlags = os.O_RDONLY
