package evtx

import "testing"

func TestAllZero(t *testing.T) {
	b := make([]byte, 3*len(zeros)+5)
	for _, size := range []int{0, 1, 7, 8, len(zeros) - 1, len(zeros), len(zeros) + 1, 2 * len(zeros), len(b)} {
		if !allZero(b[:size]) {
			t.Errorf("%d zeros are none", size)
		}
		for at := range size {
			b[at] = 1
			if allZero(b[:size]) {
				t.Fatalf("byte %d of %d is not seen", at, size)
			}
			b[at] = 0
		}
	}
}
