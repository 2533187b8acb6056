package exercise

import "testing"

func BenchmarkWrite(b *testing.B) {
	for b.Loop() {
		sum, err := Write(b.Context(), Options{Dir: b.TempDir(), Seed: 1})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(sum.Bytes)
	}
}
