package sigma

import "testing"

// BenchmarkLoad reads all of SigmaHQ's rules from memory.
func BenchmarkLoad(b *testing.B) {
	files := sigmaHQ(b)
	for b.Loop() {
		Load(files, nil)
	}
}
