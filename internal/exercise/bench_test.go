package exercise

import "testing"

func BenchmarkWrite(b *testing.B) {
	for b.Loop() {
		sum, err := Write(b.Context(), Options{Dir: b.TempDir(), Seed: 1, Scenario: "small", Noise: "real", Workers: 1})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(sum.Bytes)
	}
}
