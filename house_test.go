// Package wardround_test holds the rules of the house (docs/design/house.md) as a test.
package wardround_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// mayImport is the table of the house: who may import whom. A room that is not in it is unknown.
var mayImport = table(`
	cmd        casefile event policy exercise damage patient restore vault ledger handover report agent server
	server     casefile restore vault ledger handover report web event
	agent      evidence match vault event
	casefile   evidence inventory addresses sigma match spread policy verdict damage patient report ledger event
	handover   report ledger event
	restore    vault damage event
	exercise   evtx event
	evidence   evtx disk sevenzip rar xz event
	match      sigma event
	inventory  event
	spread     event
	verdict    policy event
	policy     event
	damage     event
	patient    sevenzip rar xz event
	report     event
	evtx       event
	addresses
	event
	disk
	sevenzip
	rar
	xz
	sigma
	ledger
	vault
	web
	outside
`)

// testOnly are the rooms that only tests import.
var testOnly = []string{"outside"}

// libraries are the modules of others that a room may import, each with its reason in docs/design/house.md.
var libraries = map[string][]string{
	"sigma":     {"go.yaml.in/yaml/v3"},
	"policy":    {"go.yaml.in/yaml/v3"},
	"evidence":  {"github.com/klauspost/compress", "github.com/ulikunitz/xz"},
	"damage":    {"github.com/klauspost/compress", "github.com/ulikunitz/xz"},
	"patient":   {"github.com/klauspost/compress"},
	"rar":       {"github.com/nwaples/rardecode/v2"},
	"sevenzip":  {"github.com/ulikunitz/xz"},
	"xz":        {"github.com/ulikunitz/xz"},
	"addresses": {"github.com/oschwald/maxminddb-golang/v2"},
	"exercise":  {"go.yaml.in/yaml/v3"},
}

// testLibraries are the modules of others that any test may import.
var testLibraries = []string{"github.com/google/go-cmp", "github.com/rogpeppe/go-internal", "golang.org/x/net", "github.com/pierrec/lz4/v4", "go.yaml.in/yaml/v3"}

// deciding are the rooms that decide what is true: they know no clock at all.
var deciding = []string{"event", "evtx", "sigma", "match", "verdict", "spread", "ledger", "inventory", "addresses"}

// clocked are the rooms that may read the wall clock.
var clocked = []string{"cmd", "agent", "server"}

// foreign are the rooms that read bytes of others and so need a fuzz test as soon as they are there.
var foreign = []string{"evtx", "disk", "evidence", "sigma", "inventory", "addresses", "patient", "damage", "casefile", "ledger", "vault", "sevenzip", "rar", "xz"}

// maxChain is the longest chain of rooms, cmd included.
const maxChain = 6

func table(text string) map[string][]string {
	t := map[string][]string{}
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 0 {
			t[f[0]] = f[1:]
		}
	}
	return t
}

// TestHouse reads every file of the repository and tells each place that breaks a rule.
func TestHouse(t *testing.T) {
	h := newHouse()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != "." && (base == ".git" || base == ".judges" || base == "node_modules" || name == "bin" || name == "case" || name == "estate") {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || name == ".git" {
			return nil
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		h.add(filepath.ToSlash(name), string(content))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(h.files) < 10 {
		t.Fatalf("only %d Go files: is this the root of the repository?", len(h.files))
	}
	for _, b := range h.check() {
		t.Error(b)
	}
}

// house is the source of the repository, parsed.
type house struct {
	set    *token.FileSet
	files  []file
	broken []string
}

type file struct {
	name string // with slashes, from the root
	room string // below internal, or cmd; "" elsewhere
	test bool
	tree *ast.File
}

func newHouse() *house { return &house{set: token.NewFileSet()} }

// add takes a file in: every text file is looked at for words that do not belong there, Go files are parsed.
func (h *house) add(name, content string) {
	if utf8.ValidString(content) && !strings.Contains(content, "\x00") {
		h.words(name, content)
	}
	if path.Ext(name) != ".go" || strings.Contains(name, "testdata/") {
		return
	}
	tree, err := parser.ParseFile(h.set, name, content, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		h.broken = append(h.broken, err.Error())
		return
	}
	h.files = append(h.files, file{name: name, room: room(name), test: strings.HasSuffix(name, "_test.go"), tree: tree})
}

func room(name string) string {
	parts := strings.Split(name, "/")
	switch {
	case parts[0] == "cmd":
		return "cmd"
	case parts[0] == "internal" && len(parts) > 2:
		return parts[1]
	}
	return ""
}

func (h *house) fault(at token.Pos, format string, args ...any) {
	p := h.set.Position(at)
	h.broken = append(h.broken, fmt.Sprintf("%s:%d: %s", p.Filename, p.Line, fmt.Sprintf(format, args...)))
}

// check returns all faults, sorted.
func (h *house) check() []string {
	for _, f := range h.files {
		if _, ok := mayImport[f.room]; f.room != "" && !ok {
			h.fault(f.tree.Package, "unknown room %q: write its reason into docs/design/house.md and add it to the table of house_test.go", f.room)
		}
		h.imports(f)
		if !f.test && !slices.Contains(testOnly, f.room) {
			h.calls(f)
			h.declarations(f)
		}
	}
	h.comments()
	h.chains()
	h.fuzzed()
	slices.Sort(h.broken)
	return slices.Compact(h.broken)
}

func (h *house) imports(f file) {
	for _, spec := range f.tree.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		if spec.Name != nil && spec.Name.Name == "." {
			h.fault(spec.Pos(), "a dot import hides where names come from")
		}
		if ours, ok := strings.CutPrefix(name, "wardround/"); ok {
			h.ours(f, spec, room(ours+"/x.go"))
			continue
		}
		host, _, _ := strings.Cut(name, "/")
		if !strings.Contains(host, ".") {
			continue
		}
		allowed := libraries[f.room]
		if f.test {
			allowed = slices.Concat(allowed, testLibraries)
		}
		if !slices.ContainsFunc(allowed, func(m string) bool { return name == m || strings.HasPrefix(name, m+"/") }) {
			h.fault(spec.Pos(), "%q is not listed for room %q: write its reason into docs/design/house.md and list it in house_test.go", name, f.room)
		}
	}
}

// ours checks an import of one room by another. A test outside the package, and one of casefile, where all rooms meet, may look down the whole house, since it sees
// what cmd sees, but no room's own.
func (h *house) ours(f file, spec *ast.ImportSpec, to string) {
	if f.room == "" || f.room == to {
		return
	}
	if slices.Contains(testOnly, to) {
		if !f.test {
			h.fault(spec.Pos(), "only tests may import %q", to)
		}
		return
	}
	if f.test && (strings.HasSuffix(f.tree.Name.Name, "_test") || f.room == "casefile") {
		return
	}
	if !slices.Contains(mayImport[f.room], to) {
		h.fault(spec.Pos(), "%q may not import %q: see the table in docs/design/house.md", f.room, to)
	}
}

// calls looks for what ends the process, panics, or reads the clock.
func (h *house) calls(f file) {
	local := map[string]string{} // local name of an import → path
	for _, spec := range f.tree.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		local[path.Base(name)] = name
		if spec.Name != nil {
			local[spec.Name.Name] = name
		}
	}
	declared := map[*ast.FuncType]bool{} // of functions: what returns a time is not a clock that was handed in
	ast.Inspect(f.tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			declared[n.Type] = true
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok {
				return true
			}
			h.selector(f, n, local[x.Name]+"."+n.Sel.Name)
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "panic" && !h.excused(f, n.Pos()) {
				h.fault(n.Pos(), "panic: return an error, or write on the line why only a mistake of ours comes here: // bug: why")
			}
		case *ast.FuncType:
			if slices.Contains(deciding, f.room) && !declared[n] && isNow(n) {
				h.fault(n.Pos(), "room %q decides what is true and is given no clock", f.room)
			}
		}
		return true
	})
}

func (h *house) selector(f file, n *ast.SelectorExpr, name string) {
	switch name {
	case "os.Exit", "syscall.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln", "log.Panic", "log.Panicf", "log.Panicln":
		if f.room != "cmd" {
			h.fault(n.Pos(), "%s: only cmd ends the process", name)
		}
	case "time.Now", "time.Since", "time.Until":
		if !slices.Contains(clocked, f.room) {
			h.fault(n.Pos(), "%s: only cmd, agent and server read the clock; others are given now func() time.Time", name)
		}
	}
}

// isNow reports whether a function type is that of a clock.
func isNow(t *ast.FuncType) bool {
	if t.Params.NumFields() > 0 || t.Results.NumFields() != 1 {
		return false
	}
	sel, ok := t.Results.List[0].Type.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == "time" && sel.Sel.Name == "Time"
}

// excused reports whether the line has a comment that begins with bug: and goes on.
func (h *house) excused(f file, at token.Pos) bool {
	line := h.set.Position(at).Line
	for _, group := range f.tree.Comments {
		for _, c := range group.List {
			if why, ok := strings.CutPrefix(c.Text, "// bug: "); ok && why != "" && h.set.Position(c.Pos()).Line == line {
				return true
			}
		}
	}
	return false
}

// declarations looks for what runs before main, and for registries.
func (h *house) declarations(f file) {
	for _, d := range f.tree.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if fn.Recv == nil && fn.Name.Name == "init" {
			h.fault(fn.Pos(), "init: make the value where it is used, or a package variable without a function")
		}
		if fn.Recv == nil && strings.HasPrefix(strings.ToLower(fn.Name.Name), "register") {
			h.fault(fn.Pos(), "%s: no registries; keep one visible list", fn.Name.Name)
		}
	}
}

// comments asks each package that offers something for the comment that tells its story.
func (h *house) comments() {
	documented, at := map[string]bool{}, map[string]token.Pos{}
	for _, f := range h.files {
		if f.test {
			continue
		}
		dir := path.Dir(f.name)
		if _, ok := at[dir]; !ok && (offers(f) || f.tree.Name.Name == "main") {
			at[dir] = f.tree.Package
		}
		doc := f.tree.Doc.Text()
		if strings.HasPrefix(doc, "Package "+f.tree.Name.Name+" ") || f.tree.Name.Name == "main" && doc != "" {
			documented[dir] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(at)) {
		if !documented[dir] {
			h.fault(at[dir], "package %s has no package comment", dir)
		}
	}
}

// chains looks for circles of rooms and for chains that are too long.
func (h *house) chains() {
	edges, at := map[string]map[string]bool{}, map[string]token.Pos{}
	for _, f := range h.files {
		if f.test || f.room == "" {
			continue
		}
		for _, spec := range f.tree.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if ours, ok := strings.CutPrefix(name, "wardround/"); ok && room(ours+"/x.go") != f.room {
				if edges[f.room] == nil {
					edges[f.room] = map[string]bool{}
				}
				edges[f.room][room(ours+"/x.go")] = true
				at[f.room] = spec.Pos()
			}
		}
	}
	var walk func(chain []string)
	walk = func(chain []string) {
		for _, next := range slices.Sorted(maps.Keys(edges[chain[len(chain)-1]])) {
			longer := append(slices.Clone(chain), next)
			if slices.Contains(chain, next) || len(longer) > maxChain {
				h.fault(at[chain[0]], "the chain %s is a circle or longer than %d rooms", strings.Join(longer, " → "), maxChain)
				continue
			}
			walk(longer)
		}
	}
	for _, r := range slices.Sorted(maps.Keys(edges)) {
		walk([]string{r})
	}
}

// fuzzed asks each room that reads foreign bytes, and each kind of reader of evidence (read_x.go and read_x_part.go are
// one), for a fuzz test: one that stands in a test file of that kind, or names a function of it.
func (h *house) fuzzed() {
	have, need, declares := map[string]bool{}, map[string]token.Pos{}, map[string]string{}
	for _, f := range h.files {
		kind := readerKind(f.name)
		if f.test || kind == "" && !slices.Contains(foreign, f.room) {
			continue
		}
		if offers(f) {
			need[f.room] = f.tree.Package
		}
		for _, d := range f.tree.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && kind != "" {
				need[kind] = f.tree.Package
				declares[fn.Name.Name] = kind
			}
		}
	}
	for _, f := range h.files {
		for _, d := range f.tree.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !f.test || fn.Recv != nil || !strings.HasPrefix(fn.Name.Name, "Fuzz") {
				continue
			}
			have[f.room], have[readerKind(f.name)] = true, true
			ast.Inspect(fn, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && f.room == "evidence" {
					have[declares[id.Name]] = true
				}
				return true
			})
		}
	}
	for _, k := range slices.Sorted(maps.Keys(need)) {
		if !have[k] {
			h.fault(need[k], "%s reads foreign bytes and has no Fuzz test", k)
		}
	}
}

// offers reports whether a file has an exported function: a room that nobody can call yet owes nothing.
func offers(f file) bool {
	return slices.ContainsFunc(f.tree.Decls, func(d ast.Decl) bool {
		fn, ok := d.(*ast.FuncDecl)
		return ok && fn.Recv == nil && fn.Name.IsExported()
	})
}

var readerFile = regexp.MustCompile(`^(internal/evidence/read_[a-z0-9]+)(?:_[a-z0-9_]+)?\.go$`)

func readerKind(name string) string {
	if m := readerFile.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return ""
}

// Words that must not be in the repository are put together here, so that this file does not hold them either.
var (
	unfinished = regexp.MustCompile(`\b(?:TO` + `DO|FIX` + `ME|X` + `XX|HA` + `CK)\b|(?i:\bnot (?:yet )?imple` + `mented\b|\bst` + `ubs?\b)`)
	elsewhere  = regexp.MustCompile(`(?:/wo` + `rk/(?:main|shared|\.)|/tmp/` + `w/|/tmp/bash_` + `jobs|/ro` + `ot/(?:go|\.cache|\.pyenv)/|proxy\.gol` + `ang\.org|pythonhos` + `ted\.org|(?:^|[/.])py` + `pi\.org|registry\.np` + `mjs\.org|deb\.deb` + `ian\.org|static\.cra` + `tes\.io)`)
	code       = []string{".go", ".js", ".mjs", ".ts", ".py", ".sh", ".css", ".yml", ".yaml", ".html", ".tmpl"}
)

// words looks for unfinished work in code, and for places of one machine anywhere.
func (h *house) words(name, content string) {
	isCode := slices.Contains(code, path.Ext(name)) || path.Base(name) == "Makefile" || strings.HasPrefix(name, ".ci/")
	number := 0
	for line := range strings.Lines(content) {
		number++
		if w := elsewhere.FindString(line); w != "" {
			h.broken = append(h.broken, fmt.Sprintf("%s:%d: %q is a place of one machine", name, number, w))
		}
		if w := unfinished.FindString(line); w != "" && isCode {
			h.broken = append(h.broken, fmt.Sprintf("%s:%d: %q: finish it or say in the change log what is missing", name, number, w))
		}
	}
}

// TestHouseNotices gives the house one fault at a time.
func TestHouseNotices(t *testing.T) {
	const doc = "// Package x does.\n"
	for _, c := range []struct{ name, content, want string }{
		{"internal/match/a.go", "// Package match x.\npackage match\nimport _ \"wardround/internal/evidence\"", `"match" may not import "evidence"`},
		{"internal/match/a_test.go", "package match\nimport _ \"wardround/internal/evidence\"", `"match" may not import "evidence"`},
		{"internal/match/a_test.go", "package match_test\nimport _ \"wardround/internal/evidence\"", ""},
		{"internal/match/a.go", "// Package match x.\npackage match\nimport _ \"wardround/internal/outside\"", `only tests may import "outside"`},
		{"internal/match/a_test.go", "package match\nimport _ \"wardround/internal/outside\"", ""},
		{"internal/utils/a.go", "// Package utils x.\npackage utils", `unknown room "utils"`},
		{"internal/event/a.go", "package event\nfunc F() {}", "no package comment"},
		{"internal/event/a.go", "// Event x.\npackage event\nfunc F() {}", "no package comment"},
		{"internal/event/a.go", "package event\ntype T int", ""},
		{"cmd/wardround/main.go", "package main", "no package comment"},
		{"internal/event/a.go", "// Package event x.\npackage event\nimport _ \"go.yaml.in/yaml/v3\"", `"go.yaml.in/yaml/v3" is not listed for room "event"`},
		{"internal/match/a.go", "// Package match x.\npackage match\nimport _ \"github.com/google/go-cmp/cmp\"", "not listed"},
		{"internal/match/a_test.go", "package match\nimport _ \"github.com/google/go-cmp/cmp\"", ""},
		{"internal/report/a.go", "// Package report x.\npackage report\nimport \"os\"\nfunc f() { os.Exit(1) }", "only cmd ends the process"},
		{"cmd/wardround/main.go", "// Wardround x.\npackage main\nimport \"os\"\nfunc main() { os.Exit(1) }", ""},
		{"internal/report/a.go", "// Package report x.\npackage report\nimport l \"log\"\nvar f = l.Fatalf", "only cmd ends the process"},
		{"internal/report/a.go", "// Package report x.\npackage report\nimport \"time\"\nvar f = time.Now", "read the clock"},
		{"internal/agent/a.go", "// Package agent x.\npackage agent\nimport \"time\"\nvar f = time.Now", ""},
		{"internal/report/a.go", "// Package report x.\npackage report\nimport \"time\"\nfunc f(now func() time.Time) {}", ""},
		{"internal/verdict/a.go", "// Package verdict x.\npackage verdict\nimport \"time\"\nfunc f(now func() time.Time) {}", "given no clock"},
		{"internal/verdict/a.go", "// Package verdict x.\npackage verdict\nimport \"time\"\nfunc f() (t time.Time) { return }", ""},
		{"internal/report/a.go", "// Package report x.\npackage report\nfunc f() { panic(1) }", "panic: return"},
		{"internal/report/a.go", "// Package report x.\npackage report\nfunc f() {\npanic(1) // bug: the schema is ours\n}", ""},
		{"internal/report/a.go", "// Package report x.\npackage report\nfunc init() {}", "init: make"},
		{"internal/report/a.go", "// Package report x.\npackage report\nfunc RegisterForm() {}", "no registries"},
		{"internal/report/a.go", "// Package report x.\npackage report\nimport . \"fmt\"", "dot import"},
		{"internal/disk/a.go", "// Package disk x.\npackage disk\nfunc Open() {}", "disk reads foreign bytes and has no Fuzz test"},
		{"internal/evidence/read_iis_fields.go", "// Package evidence x.\npackage evidence\nfunc readIIS() {}", "internal/evidence/read_iis reads foreign bytes"},
		{"internal/report/a.go", "// Package report x.\npackage report // " + "TO" + "DO later", "finish it"},
		{"docs/a.md", "see /wo" + "rk/shared/x", "place of one machine"},
		{"package-lock.json", "https://registry.np" + "mjs.org/x", "place of one machine"},
		{"docs/a.md", "nothing to do here, " + doc, ""},
	} {
		h := newHouse()
		h.add(c.name, c.content)
		got := strings.Join(h.check(), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q: got %q, want %q", c.name, c.content, got, c.want)
		}
	}
	for _, c := range []struct{ test, content string }{
		{"internal/evidence/read_iis_test.go", "package evidence\nfunc FuzzIIS() {}"},
		{"internal/evidence/all_test.go", "package evidence\nfunc FuzzAll() { run(readIIS) }"},
	} {
		h := newHouse()
		h.add("internal/evidence/read_iis_fields.go", "// Package evidence x.\npackage evidence\nfunc readIIS() {}")
		h.add(c.test, c.content)
		if got := h.check(); len(got) > 0 {
			t.Errorf("%s: got %q", c.test, got)
		}
	}
	h := newHouse()
	rooms := []string{"cmd", "server", "casefile", "match", "sigma", "event", "disk"}
	for i, r := range rooms[:6] {
		name := "internal/" + r + "/a.go"
		if r == "cmd" {
			name = "cmd/wardround/a.go"
		}
		h.add(name, "// Package "+r+" x.\npackage "+r+"\nimport _ \"wardround/internal/"+rooms[i+1]+"\"")
	}
	if got := strings.Join(h.check(), "\n"); !strings.Contains(got, "longer than 6 rooms") {
		t.Errorf("a chain of seven rooms: got %q", got)
	}
}
