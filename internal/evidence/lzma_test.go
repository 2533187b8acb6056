package evidence

import (
	"io"

	"github.com/ulikunitz/xz/lzma"
)

func newLZMA(w io.Writer) (io.WriteCloser, error) {
	return lzma.WriterConfig{EOSMarker: true}.NewWriter(w)
}
