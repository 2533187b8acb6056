package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"wardround/internal/casefile"
)

// showProgress draws a line on the terminal until the function that it returns is called. In a pipe it is silent.
func showProgress(s *casefile.Status, quiet bool) (stop func()) {
	info, err := os.Stderr.Stat()
	if quiet || err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func() {}
	}
	done := make(chan struct{})
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		begin := time.Now()
		for {
			select {
			case <-done:
				fmt.Fprint(os.Stderr, "\r\x1b[K")
				return
			case <-tick.C:
				fmt.Fprint(os.Stderr, "\r\x1b[K"+progressLine(s.Now(), time.Since(begin), 100))
			}
		}
	}()
	return func() { close(done); <-gone }
}

// progressLine says how far the examination is, at what rate, how long it may take and where it is.
func progressLine(p casefile.Progress, spent time.Duration, width int) string {
	line := p.Phase
	if p.Total > 0 && p.Phase == "reading" {
		rate := float64(p.Bytes) / max(spent.Seconds(), 0.001)
		line = fmt.Sprintf("%3.0f %%  %s of %s  %s/s", 100*min(1, float64(p.Bytes)/float64(p.Total)), bytesOf(p.Bytes), bytesOf(p.Total), bytesOf(int64(rate)))
		if left := p.Total - p.Bytes; left > 0 && spent > 2*time.Second && rate > 0 {
			line += "  about " + (time.Duration(float64(left)/rate) * time.Second).Round(time.Second).String() + " left"
		}
		line += "  " + printable(p.Where)
	}
	if r := []rune(line); len(r) > width {
		line = string(r[:width])
	}
	return line
}

func bytesOf(n int64) string {
	units := []string{"B", "KB", "MB", "GB", "TB"}
	x, i := float64(n), 0
	for x >= 1000 && i < len(units)-1 {
		x, i = x/1000, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", x, units[i])
}

// printable takes out of a name from evidence what a terminal would obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u202e' || r >= '\u2066' && r <= '\u2069' || r >= '\u202a' && r <= '\u202e' {
			return '?'
		}
		return r
	}, s)
}
