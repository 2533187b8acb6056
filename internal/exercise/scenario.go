package exercise

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed scenarios/*.yaml
var shipped embed.FS

// ErrScenario says that a scenario is not there, or that its file is not as docs/format/scenario.md has it.
var ErrScenario = errors.New("no such scenario")

// scenario is a story as its file tells it: docs/format/scenario.md. It is checked when it is read; what uses it need not.
type scenario struct {
	Name       string       `yaml:"scenario"`
	Title      string       `yaml:"title"`
	About      string       `yaml:"about"`
	Techniques []string     `yaml:"techniques"`
	Estate     mix          `yaml:"estate"`
	Servers    []castServer `yaml:"servers"`
	Parts      []part       `yaml:"parts"`
	Steps      []step       `yaml:"steps"`
	Decoys     []decoy      `yaml:"decoys"`

	idle []string // what it says that has no effect, with its line
}

// mix says what servers there are besides those of the story, and in what state.
type mix struct {
	Servers     int  `yaml:"servers"`         // listed, the story's included
	Physical    int  `yaml:"physical"`        // of the listed; 0: as it comes
	Hypervisors int  `yaml:"hypervisors"`     // of the listed
	Linux       int  `yaml:"linux"`           // of a hundred ordinary ones
	Partial     int  `yaml:"partial"`         // ordinary ones whose logs rolled over
	EndOfLife   int  `yaml:"end-of-life"`     // ordinary ones whose system is no longer mended
	Never       int  `yaml:"never-collected"` // ordinary ones
	Clocks      int  `yaml:"clocks-off"`      // ordinary ones whose clock is minutes off
	Clones      int  `yaml:"clones"`          // ordinary ones that were copied from a template in the window
	Vary        bool `yaml:"vary"`            // names and the day of the incident follow from the seed
}

// castServer is a server that the story names.
type castServer struct {
	Key       string            `yaml:"key"`
	Kind      string            `yaml:"kind"`
	Role      string            `yaml:"role"`
	OS        string            `yaml:"os"`
	Logging   string            `yaml:"logging"`
	Layout    string            `yaml:"layout"`
	Location  string            `yaml:"location"`
	Notes     string            `yaml:"notes"`
	Kept      map[string]string `yaml:"kept"`
	Clock     string            `yaml:"clock"`
	Collected *bool             `yaml:"collected"`
	Listed    *bool             `yaml:"listed"`
	Hub       bool              `yaml:"hub"`
	line      int
}

// part is a server that the seed chooses among the ordinary ones.
type part struct {
	Key     string   `yaml:"key"`
	Roles   []string `yaml:"roles"`
	System  string   `yaml:"system"`
	Logging string   `yaml:"logging"`
	line    int
}

// step is something that the intruder does.
type step struct {
	Do      string            `yaml:"do"`
	From    string            `yaml:"from"`
	To      names             `yaml:"to"`
	As      string            `yaml:"as"`
	At      string            `yaml:"at"`
	After   string            `yaml:"after"`
	Apart   string            `yaml:"apart"`
	Shuffle bool              `yaml:"shuffle"`
	With    map[string]string `yaml:"with"`
	line    int
}

// decoy is something lawful that looks like the intruder's.
type decoy struct {
	Do   string            `yaml:"do"`
	On   names             `yaml:"on"`
	With map[string]string `yaml:"with"`
	line int
}

// names are one or several.
type names []string

func (n *names) UnmarshalYAML(v *yaml.Node) error {
	if v.Kind == yaml.ScalarNode {
		*n = names{v.Value}
		return nil
	}
	return v.Decode((*[]string)(n))
}

func (x *castServer) UnmarshalYAML(v *yaml.Node) error {
	type bare castServer
	x.line = v.Line
	err := strict(v, (*bare)(x))
	x.line = v.Line
	return err
}

func (x *part) UnmarshalYAML(v *yaml.Node) error {
	type bare part
	err := strict(v, (*bare)(x))
	x.line = v.Line
	return err
}

func (x *step) UnmarshalYAML(v *yaml.Node) error {
	type bare step
	err := strict(v, (*bare)(x))
	x.line = v.Line
	return err
}

func (x *decoy) UnmarshalYAML(v *yaml.Node) error {
	type bare decoy
	err := strict(v, (*bare)(x))
	x.line = v.Line
	return err
}

func (x *mix) UnmarshalYAML(v *yaml.Node) error {
	type bare mix
	return strict(v, (*bare)(x))
}

// strict decodes a mapping and refuses names that the structure does not have.
func strict(v *yaml.Node, into any) error {
	t := reflect.TypeOf(into).Elem()
	var known []string
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" {
			known = append(known, tag)
		}
	}
	if v.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: write name: value here; the names are %s", v.Line, strings.Join(known, ", "))
	}
	for i := 0; i < len(v.Content); i += 2 {
		if k := v.Content[i]; !slices.Contains(known, k.Value) {
			return fmt.Errorf("line %d: unknown name %q; take one of %s", k.Line, k.Value, strings.Join(known, ", "))
		}
	}
	return v.Decode(into)
}

// Scenarios names those that come with the program.
func Scenarios() []string {
	list, _ := fs.ReadDir(shipped, "scenarios") // embedded: always there
	out := make([]string, 0, len(list))
	for _, f := range list {
		out = append(out, strings.TrimSuffix(f.Name(), ".yaml"))
	}
	return out
}

// openScenario finds a scenario by its name, or reads a file if the name is none of a shipped one.
func openScenario(name string) (*scenario, error) {
	if slices.Contains(Scenarios(), name) {
		text, err := shipped.ReadFile(path.Join("scenarios", name+".yaml"))
		if err != nil {
			return nil, err
		}
		return readScenario(name+".yaml", text)
	}
	info, err := os.Stat(name)
	if err != nil || info.IsDir() {
		return nil, fmt.Errorf("%w: %q is no file, and none of %s", ErrScenario, name, strings.Join(Scenarios(), ", "))
	}
	if info.Size() > 1<<20 {
		return nil, fmt.Errorf("%w: %q has more than a megabyte", ErrScenario, name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	return readScenario(name, text)
}

// readScenario reads and checks a scenario. Every error names a line and what to write instead.
func readScenario(file string, text []byte) (*scenario, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("%w: %q: %s: mend the YAML there", ErrScenario, file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(root.Content) == 0 {
		return nil, fmt.Errorf("%w: %q: line 1: the file is empty; begin with scenario: NAME", ErrScenario, file)
	}
	sc := &scenario{}
	err := strict(root.Content[0], sc)
	if err == nil {
		err = sc.check()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %s", ErrScenario, file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return sc, nil
}

// roles are those of an inventory.
var roles = []string{"database", "application", "web", "domain-controller", "file", "backup", "pacs", "lis", "hypervisor", "mail", "jump", "other"}

// loggings say what a Windows server records beyond the default.
var loggings = []string{"", "default", "commands", "sysmon", "shares", "full"}

var (
	keyForm       = regexp.MustCompile(`^[A-Z][A-Z0-9-]{1,11}$`)
	techniqueForm = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)
	osForm        = regexp.MustCompile(`^(Windows Server (2008 R2|2012 R2|2016|2019|2022)|Ubuntu|CentOS|VMware ESXi)`)
)

func (sc *scenario) check() error {
	switch {
	case sc.Name == "" || strings.ContainsAny(sc.Name, " /\\\""):
		return errors.New("line 1: write scenario: and a name without blanks")
	case len(sc.Techniques) == 0 && len(sc.Steps) > 0:
		return errors.New("line 1: write techniques: [T1190, …], the ATT&CK techniques of the steps")
	case sc.Estate.Servers < 2 || sc.Estate.Servers > 500:
		return fmt.Errorf("line 1: estate: servers: is %d; write a number from 2 to 500", sc.Estate.Servers)
	}
	for _, t := range sc.Techniques {
		if !techniqueForm.MatchString(t) {
			return fmt.Errorf("line 1: %q is no technique of ATT&CK; write it like T1190 or T1021.002", t)
		}
	}
	known := map[string]system{}
	for i := range sc.Servers {
		if err := sc.Servers[i].check(known); err != nil {
			return fmt.Errorf("line %d: %w", sc.Servers[i].line, err)
		}
	}
	for _, p := range sc.Parts {
		if err := p.check(known); err != nil {
			return fmt.Errorf("line %d: %w", p.line, err)
		}
	}
	for _, key := range []string{"DC1", "JUMP1"} {
		if _, ok := known[key]; !ok {
			return fmt.Errorf("line 1: there is no server %s; every estate needs it under servers:", key)
		}
	}
	for i := range sc.Steps {
		if err := sc.Steps[i].check(i, known); err != nil {
			return fmt.Errorf("line %d: %w", sc.Steps[i].line, err)
		}
	}
	for _, x := range sc.Decoys {
		if err := x.check(known); err != nil {
			return fmt.Errorf("line %d: %w", x.line, err)
		}
	}
	sc.idle = sc.withoutEffect(known)
	return nil
}

func (x *castServer) check(known map[string]system) error {
	_, twice := known[x.Key]
	switch {
	case !keyForm.MatchString(x.Key):
		return fmt.Errorf("key %q: write 2 to 12 capital letters, digits and dashes; EX- goes before by itself", x.Key)
	case twice:
		return fmt.Errorf("key %q stands there twice; give each server its own", x.Key)
	case x.Kind != "physical" && x.Kind != "virtual":
		return fmt.Errorf("kind %q: write physical or virtual", x.Kind)
	case !slices.Contains(roles, x.Role):
		return fmt.Errorf("role %q: take one of %s", x.Role, strings.Join(roles, ", "))
	case !osForm.MatchString(x.OS):
		return fmt.Errorf("os %q: begin with Windows Server 2008 R2, 2012 R2, 2016, 2019 or 2022, Ubuntu, CentOS or VMware ESXi", x.OS)
	case !slices.Contains(loggings, x.Logging):
		return fmt.Errorf("logging %q: take one of %s", x.Logging, strings.Join(loggings[1:], ", "))
	case x.Layout != "" && packings[x.Layout] == nil:
		return fmt.Errorf("layout %q: take one of %s", x.Layout, strings.Join(packingNames(), ", "))
	}
	for channel, span := range x.Kept {
		if d, err := days(span); err != nil || d <= 0 {
			return fmt.Errorf("kept %s: %q: write how far back it reaches, like 50h or 11d", channel, span)
		}
	}
	if _, err := days(x.Clock); x.Clock != "" && err != nil {
		return fmt.Errorf("clock %q: write how far it is ahead, like 4m or -7m", x.Clock)
	}
	var s server
	s.set(x.OS, "")
	known[x.Key] = s.system
	return nil
}

func (x *part) check(known map[string]system) error {
	_, twice := known[x.Key]
	switch {
	case !keyForm.MatchString(x.Key) || twice:
		return fmt.Errorf("key %q: write 2 to 12 capital letters, digits and dashes that no other has", x.Key)
	case x.System != "" && x.System != "windows" && x.System != "linux":
		return fmt.Errorf("system %q: write windows or linux", x.System)
	case !slices.Contains(loggings, x.Logging):
		return fmt.Errorf("logging %q: take one of %s", x.Logging, strings.Join(loggings[1:], ", "))
	}
	for _, r := range x.Roles {
		if !slices.Contains(roles, r) {
			return fmt.Errorf("role %q: take one of %s", r, strings.Join(roles, ", "))
		}
	}
	known[x.Key] = windows
	if x.System == "linux" {
		known[x.Key] = linux
	}
	return nil
}

func (x *step) check(i int, known map[string]system) error {
	if x.At == "" && (x.After == "" || i == 0) {
		return errors.New("say when: at: \"-2 01:00 +2h\" (day before the incident, time, IST, and how much later it may be), or after: 40m")
	}
	if x.At != "" {
		if _, err := readMoment(x.At); err != nil {
			return err
		}
	}
	if _, _, err := span(x.After); err != nil {
		return fmt.Errorf("after: %w", err)
	}
	if _, _, err := span(x.Apart); err != nil {
		return fmt.Errorf("apart: %w", err)
	}
	if len(x.To) == 0 {
		return errors.New("to: names no server; write the key of one, or several in [ ]")
	}
	for do := range strings.SplitSeq(x.Do, "|") {
		if err := x.checkDo(do, known); err != nil {
			return err
		}
	}
	if x.As != "" && !slices.Contains(accountKeys, x.As) {
		return fmt.Errorf("as %q: take one of %s", x.As, strings.Join(accountKeys, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(x.With)) {
		for value := range strings.SplitSeq(x.With[name], "|") {
			if err := checkOption(name, value); err != nil {
				return fmt.Errorf("with: %s: %w", name, err)
			}
		}
	}
	return nil
}

// optionValues are what the options may say that know few words.
var optionValues = map[string][]string{
	"tool": {"own", "psexec", "remcom", "random"}, "how": {"key", "made"}, "then": {"looks", "none", "patients"}, "manner": {"whole", "head", "stripes"}, "add": accountKeys,
}

// checkOption refuses a value that an option cannot have.
func checkOption(name, value string) error {
	switch name {
	case "by":
		_, err := days(value)
		return err
	case "named":
		_, _, err := span(value)
		return err
	case "also":
		for _, channel := range strings.Fields(value) {
			if channel != "System" && channel != "Application" {
				return fmt.Errorf("%q: write System, Application or both", channel)
			}
		}
	}
	if few := optionValues[name]; few != nil && !slices.Contains(few, value) {
		return fmt.Errorf("%q: take one of %s", value, strings.Join(few, ", "))
	}
	return nil
}

// checkDo checks one technique of the step, and whether it works on its servers.
func (x *step) checkDo(do string, known map[string]system) error {
	how := techniques[do]
	switch {
	case how.plan == nil:
		return fmt.Errorf("do %q: take one of %s", do, strings.Join(techniqueNames(), ", "))
	case x.From == "" && how.from != nil:
		return fmt.Errorf("%s goes from a server to another: write from: and its key", do)
	case x.From != "" && how.from == nil:
		return fmt.Errorf("%s comes from no server: leave from: out", do)
	}
	if x.From != "" {
		if err := fits(do, x.From, how.from, known); err != nil {
			return err
		}
	}
	for _, key := range x.To {
		if err := fits(do, key, how.to, known); err != nil {
			return err
		}
	}
	return nil
}

// fits reports an error if there is no such server, or none of the systems on which the thing works.
func fits(do, key string, on []system, known map[string]system) error {
	s, ok := known[key]
	if !ok {
		return fmt.Errorf("there is no server %q; write a key that stands under servers: or parts:", key)
	}
	if !slices.Contains(on, s) {
		return fmt.Errorf("%s does not work on %s, which is %s; take a server with %v", do, key, s, on)
	}
	return nil
}

func (x *decoy) check(known map[string]system) error {
	if decoys[x.Do] == nil {
		return fmt.Errorf("do %q: take one of %s", x.Do, strings.Join(decoyNames(), ", "))
	}
	if len(x.On) == 0 {
		return errors.New("on: names no server; write the key of one")
	}
	on := servers
	if x.Do == "deployments" {
		on = []system{linux}
	}
	for _, key := range x.On {
		if err := fits(x.Do, key, on, known); err != nil {
			return err
		}
	}
	return nil
}

// moment is a time of day relative to the incident's, and how much later it may be.
type moment struct {
	day, hour, minute int
	within            time.Duration
}

var momentForm = regexp.MustCompile(`^(-?\d{1,3}) (\d\d):(\d\d)(?: \+(\w+))?$`)

func readMoment(s string) (m moment, err error) {
	p := momentForm.FindStringSubmatch(s)
	if p == nil {
		return m, fmt.Errorf("at %q: write day, time and how much later it may be, like \"-2 01:00 +2h\"", s)
	}
	m.day, _ = strconv.Atoi(p[1])
	m.hour, _ = strconv.Atoi(p[2])
	m.minute, _ = strconv.Atoi(p[3])
	if m.hour > 23 || m.minute > 59 || m.day > 0 || m.day < -100 {
		return m, fmt.Errorf("at %q: the day is 0 or before it, the time of day below 24:00", s)
	}
	if p[4] != "" {
		if m.within, err = days(p[4]); err != nil {
			return m, fmt.Errorf("at %q: %w", s, err)
		}
	}
	return m, nil
}

// span reads "40m" or "40m..80m".
func span(s string) (least, most time.Duration, err error) {
	if s == "" {
		return 0, 0, nil
	}
	low, high, both := strings.Cut(s, "..")
	if least, err = days(low); err != nil {
		return 0, 0, err
	}
	if !both {
		return least, least, nil
	}
	if most, err = days(high); err == nil && most < least {
		err = fmt.Errorf("%q: write the shorter time first", s)
	}
	return least, most, err
}

// days reads a duration that may be of days: 11d.
func days(s string) (time.Duration, error) {
	if n, err := strconv.Atoi(strings.TrimSuffix(s, "d")); err == nil && strings.HasSuffix(s, "d") {
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is no length of time: write it like 90s, 40m, 5h or 11d", s)
	}
	return d, nil
}
