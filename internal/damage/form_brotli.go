package damage

import "math/bits"

// walkBrotli follows brotli (RFC 7932) through its first header: window, length, block types, context maps and prefix codes. It has no signature and no sum, but
// each of its codes must be complete, which random bits hardly ever are. What follows the header is not followed: it needs the dictionary of the format.
func walkBrotli(x *exam) form {
	s := &bitStream{b: x.b}
	if s.take(1) == 1 && s.take(3) == 0 && s.take(3) == 1 {
		return form{}
	}
	for range 64 {
		last := s.take(1) == 1
		if last && s.take(1) == 1 {
			return s.brotli(x, true)
		}
		nibbles := s.take(2)
		if nibbles == 3 {
			n := s.skipped()
			if n < 0 || last {
				return form{}
			}
			s.pos += 8 * n
			continue
		}
		size := s.take(4*4) + 1
		for i := range nibbles {
			v := s.take(4)
			if v == 0 && i == nibbles-1 {
				return form{}
			}
			size += v << (16 + 4*i)
		}
		if !last && s.take(1) == 1 {
			if !s.align() {
				return form{}
			}
			s.pos += 8 * size
			continue
		}
		if s.bad || !s.header() {
			return form{}
		}
		return s.brotli(x, false)
	}
	return form{}
}

// brotli is the form as far as it was followed.
func (s *bitStream) brotli(x *exam, end bool) form {
	at := int64(s.pos+7) / 8
	if s.bad || at > x.size || end && at != x.size {
		return form{}
	}
	return form{kind: "brotli", shape: begun, seen: at}
}

// bitStream gives bits, the lowest of each byte first. bad is set where it ends too early or holds what cannot be.
type bitStream struct {
	b   []byte
	pos int // in bits
	bad bool
}

func (s *bitStream) take(n int) (v int) {
	for i := range n {
		if s.pos>>3 >= len(s.b) {
			s.bad = true
			return 0
		}
		v |= int(s.b[s.pos>>3]>>(s.pos&7)&1) << i
		s.pos++
	}
	return v
}

// align goes to the next whole byte; the bits before it must be zero.
func (s *bitStream) align() bool { return s.take(-s.pos&7) == 0 && !s.bad }

// skipped is the length of metadata, which follows at the next whole byte; below 0 if there is none.
func (s *bitStream) skipped() (n int) {
	if s.take(1) != 0 {
		return -1
	}
	count := s.take(2)
	for i := range count {
		v := s.take(8)
		if v == 0 && i == count-1 && count > 1 {
			return -1
		}
		n |= v << (8 * i)
	}
	if count > 0 {
		n++
	}
	if !s.align() {
		return -1
	}
	return n
}

// number is of 1 to 256, in the code in which brotli tells how many block types or trees there are.
func (s *bitStream) number() int {
	if s.take(1) == 0 {
		return 1
	}
	n := s.take(3)
	return 1<<n + 1 + s.take(n)
}

// countBits are those that follow each code of a block's length.
var countBits = [26]int{2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 7, 8, 9, 10, 11, 12, 13, 24}

// header reads all that stands before the commands of a packed block, and reports whether it can be.
func (s *bitStream) header() bool {
	var types [3]int
	for i := range types {
		if types[i] = s.number(); types[i] < 2 {
			continue
		}
		var counts prefixCode
		if !s.code(types[i]+2, nil) || !s.code(26, &counts) {
			return false
		}
		c := s.symbol(&counts)
		if c < 0 {
			return false
		}
		s.take(countBits[c])
	}
	postfix := s.take(2)
	direct := s.take(4) << postfix
	s.take(2 * types[0]) // how each literal's context is told
	literals := s.number()
	if literals > 1 && !s.contextMap(literals, 64*types[0]) {
		return false
	}
	distances := s.number()
	if distances > 1 && !s.contextMap(distances, 4*types[2]) {
		return false
	}
	for _, c := range [3]struct{ trees, symbols int }{{literals, 256}, {types[1], 704}, {distances, 16 + direct + 48<<postfix}} {
		for range c.trees {
			if s.bad || !s.code(c.symbols, nil) {
				return false
			}
		}
	}
	return !s.bad
}

// contextMap reads which of some trees each context has.
func (s *bitStream) contextMap(trees, size int) bool {
	most := 0
	if s.take(1) == 1 {
		most = s.take(4) + 1
	}
	var code prefixCode
	if !s.code(trees+most, &code) {
		return false
	}
	for i := 0; i < size; {
		switch c := s.symbol(&code); {
		case c < 0 || s.bad:
			return false
		case c > 0 && c <= most:
			i += 1<<c + s.take(c)
			if i > size {
				return false
			}
		default:
			i++
		}
	}
	s.take(1)
	return !s.bad
}

// prefixCode is a canonical code: how many symbols each length has, and the symbols in order. single is its only symbol, of no bits, when alone is set.
type prefixCode struct {
	count  [16]int
	symbol []int
	alone  bool
}

func (c *prefixCode) set(lengths []uint8) {
	*c = prefixCode{}
	for n := uint8(1); n < 16; n++ {
		for sym, l := range lengths {
			if l == n {
				c.count[n]++
				c.symbol = append(c.symbol, sym)
			}
		}
	}
	c.alone = len(c.symbol) == 1
}

// symbol reads one; below 0 if the bits are of none.
func (s *bitStream) symbol(c *prefixCode) int {
	if c.alone {
		return c.symbol[0]
	}
	code, first, index := 0, 0, 0
	for n := 1; n < 16 && !s.bad; n++ {
		code |= s.take(1)
		if code-c.count[n] < first {
			return c.symbol[index+code-first]
		}
		index += c.count[n]
		first = (first + c.count[n]) << 1
		code <<= 1
	}
	return -1
}

// The order in which lengths of the code of lengths stand, and by four bits how many of them are read and what they mean.
var (
	lengthOrder = [18]int{1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	lengthBits  = [16]int{2, 2, 2, 3, 2, 2, 2, 4, 2, 2, 2, 3, 2, 2, 2, 4}
	lengthValue = [16]uint8{0, 4, 3, 2, 0, 4, 3, 1, 0, 4, 3, 2, 0, 4, 3, 5}
)

// code reads a prefix code of an alphabet, into c unless that is nil, and reports whether it is complete.
func (s *bitStream) code(symbols int, c *prefixCode) bool {
	lengths := make([]uint8, symbols)
	skip := s.take(2)
	if skip == 1 {
		if !s.simple(lengths) {
			return false
		}
	} else if !s.lengths(lengths, skip) {
		return false
	}
	if c != nil {
		c.set(lengths)
	}
	return !s.bad
}

// simple reads a code of one to four symbols.
func (s *bitStream) simple(lengths []uint8) bool {
	n := s.take(2) + 1
	var list [4]int
	for i := range n {
		list[i] = s.take(bits.Len(uint(len(lengths) - 1)))
		if list[i] >= len(lengths) || lengths[list[i]] != 0 {
			return false
		}
		lengths[list[i]] = 1
	}
	shape := [5][4]uint8{1: {1}, 2: {1, 1}, 3: {1, 2, 2}, 4: {2, 2, 2, 2}}[n]
	if n == 4 && s.take(1) == 1 {
		shape = [4]uint8{1, 2, 3, 3}
	}
	for i := range n {
		lengths[list[i]] = shape[i]
	}
	return !s.bad
}

// lengths reads the lengths of a code's symbols, which are coded themselves.
func (s *bitStream) lengths(out []uint8, skip int) bool {
	var own [18]uint8
	space, codes := 32, 0
	for _, k := range lengthOrder[skip:] {
		at := s.pos
		four := s.take(min(4, 8*len(s.b)-s.pos))
		s.pos = at + lengthBits[four]
		if own[k] = lengthValue[four]; own[k] != 0 {
			space -= 32 >> own[k]
			codes++
		}
		if space <= 0 {
			break
		}
	}
	if space != 0 && codes != 1 || s.bad {
		return false
	}
	var c prefixCode
	c.set(own[:])
	left, before, repeats, repeated := 1<<15, uint8(8), 0, uint8(0)
	for i := 0; i < len(out) && left > 0; {
		k := s.symbol(&c)
		switch {
		case k < 0 || s.bad:
			return false
		case k < 16:
			out[i], repeats = uint8(k), 0
			i++
			if k > 0 {
				before = uint8(k)
				left -= 1 << (15 - k)
			}
		default:
			value := uint8(0)
			if k == 16 {
				value = before
			}
			if value != repeated {
				repeats, repeated = 0, value
			}
			was := repeats
			if repeats > 0 {
				repeats = (repeats - 2) << (k - 14)
			}
			repeats += s.take(k-14) + 3
			for range repeats - was {
				if i == len(out) {
					return false
				}
				out[i] = value
				i++
				if value > 0 {
					left -= 1 << (15 - value)
				}
			}
		}
	}
	return left == 0
}
