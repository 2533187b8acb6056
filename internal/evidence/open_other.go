//go:build !unix

package evidence

// nonBlock is of no use where pipes do not stand in folders.
const nonBlock = 0
