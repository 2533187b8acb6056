package exercise

import "testing"

// BenchmarkWrite makes the hospital of a hundred servers with ten days of real noise by one worker, and tells events of
// Windows per second.
func BenchmarkWrite(b *testing.B) {
	events := int64(0)
	for b.Loop() {
		sum, err := Write(b.Context(), Options{Dir: b.TempDir(), Seed: 1, Days: 10, Workers: 1})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(sum.Bytes)
		events += sum.Events
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
