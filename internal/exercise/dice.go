package exercise

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"time"

	"wardround/internal/event"
)

// dice are the chances of one act: the same seed and name give the same throws, whatever else is written and in which
// order.
type dice struct{ *rand.Rand }

func (e *estate) dice(name ...string) *dice {
	sum := sha256.Sum256([]byte(strings.Join(name, "\x00")))
	return &dice{rand.New(rand.NewPCG(e.options.Seed, binary.LittleEndian.Uint64(sum[:])))}
}

// between is a number from low to high, both included.
func (d *dice) between(low, high int) int { return low + d.IntN(high-low+1) }

// chance is yes in so many of a hundred throws.
func (d *dice) chance(percent int) bool { return d.IntN(100) < percent }

// within is a time after at, up to the duration, not on a full millisecond.
func (d *dice) within(at event.Time, most time.Duration) event.Time {
	return at.Add(time.Duration(d.Int64N(int64(most)/100)) * 100)
}

// about is the duration, up to a fifth shorter or longer.
func (d *dice) about(t time.Duration) time.Duration {
	return t - t/5 + time.Duration(d.Int64N(int64(t)*2/5))
}

func pick[T any](d *dice, list []T) T { return list[d.IntN(len(list))] }

func (d *dice) port() int { return d.between(49152, 65535) }

func (d *dice) guid() (g [16]byte) {
	binary.LittleEndian.PutUint64(g[:], d.Uint64())
	binary.LittleEndian.PutUint64(g[8:], d.Uint64())
	g[7], g[8] = g[7]&0x0f|0x40, g[8]&0x3f|0x80
	return g
}

// letters is a word of n letters of the alphabet given.
func (d *dice) letters(n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[d.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	lower   = "abcdefghijklmnopqrstuvwxyz"
	mixed   = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	base64s = mixed + "0123456789+/"
)

// pid is a process number as Windows gives them: a multiple of four.
func (d *dice) pid() uint32 { return uint32(d.between(300, 3500)) * 4 }

// digest is the first n hexadecimal digits of a hash of the words: what must look arbitrary and stay the same.
func digest(n int, words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return hex.EncodeToString(sum[:])[:n]
}

// number is the same as a number below most.
func number(most uint32, words ...string) uint32 {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return binary.LittleEndian.Uint32(sum[:]) % most
}
