package casefile

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"wardround/internal/addresses"
	"wardround/internal/event"
	"wardround/internal/evidence"
	"wardround/internal/inventory"
	"wardround/internal/patient"
	"wardround/internal/policy"
	"wardround/internal/sigma"
	"wardround/internal/spread"
)

// Options are what a person asks for. Paths are as given; empty ones were not.
type Options struct {
	Case         string   // folder
	Name         string   // of the case; "" is the folder's name
	Collections  []string // to add to the case; none judges again what it holds
	Inventory    string
	Rules        []string
	Placeholders string
	Policy       string
	Changes      string
	Addresses    []string   // address databases, the first that knows wins
	Claims       string     // what third parties say of who is behind it
	Numbers      string     // the form of the hospital's own numbers
	From, Until  event.Time // zero or NoTime: not given
	Zone         string     // for people, and for local times in logs that state none
	Workers      int        // 0: one for each processor
	Slack        bool
	Limits       Limits // of archives; what is zero is the default
	Version      string
	Now          func() time.Time // for case.json alone
	RulesRead    func(size int64) // told how large the rule files are, before they are parsed; may be nil
}

// Limits bound what an archive may unpack to.
type Limits = evidence.Limits

// DefaultLimits are those in force when nothing else is asked for.
var DefaultLimits = evidence.DefaultLimits

// inputs are Options, read.
type inputs struct {
	Options
	zone      *time.Location
	evidence  evidence.Options
	workers   int
	estate    *inventory.Estate
	policy    *policy.Policy
	policyRaw []byte
	changes   []event.Change
	addresses addresses.Bases
	claims    []spread.Claim
	numbers   patient.Config
	set       sigma.Set
	readKey   string             // digest of all that facts depend on besides the evidence
	digests   map[string]*string // of each input, for case.json
	problems  []string           // what was wrong in lists and rules and did not stop the run
}

// readInputs reads all that is not evidence. An error names the file, the place and the remedy.
func readInputs(o Options) (*inputs, error) {
	in := &inputs{Options: o, workers: o.Workers, digests: map[string]*string{}, estate: &inventory.Estate{}}
	if in.workers <= 0 {
		in.workers = runtime.GOMAXPROCS(0)
	}
	for _, t := range []*event.Time{&in.From, &in.Until} {
		if *t == 0 {
			*t = event.NoTime
		}
	}
	var err error
	if in.zone, err = Zone(o.Zone); err != nil {
		return nil, err
	}
	in.evidence = evidence.Options{Zone: in.zone, Slack: o.Slack, Limits: o.Limits}
	for _, step := range []func() error{in.readEstate, in.readPolicy, in.readChanges, in.readAddresses, in.readClaims, in.readNumbers, in.readRules} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// Zone finds a time zone by its name. IST is India's; Go's database has no zone of that name that means India.
func Zone(name string) (*time.Location, error) {
	switch strings.ToUpper(name) {
	case "", "IST":
		return time.LoadLocation("Asia/Kolkata")
	case "UTC", "Z":
		return time.UTC, nil
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q is not known: use a name such as IST, UTC or Asia/Kolkata", name)
	}
	return z, nil
}

// digest notes what an input is; a file that was not given is null.
func (in *inputs) digest(name string, content []byte) {
	if content == nil {
		in.digests[name] = nil
		return
	}
	sum := sha256.Sum256(content)
	s := hex.EncodeToString(sum[:])
	in.digests[name] = &s
}

func (in *inputs) readEstate() error {
	in.digest("inventory", nil)
	if in.Inventory == "" {
		return nil
	}
	content, err := os.ReadFile(in.Inventory)
	if err != nil {
		return fmt.Errorf("read inventory: %w", err)
	}
	in.digest("inventory", content)
	estate, problems, err := inventory.Read(bytes.NewReader(content), filepath.Base(in.Inventory))
	if err != nil {
		return fmt.Errorf("read inventory %q: %w", in.Inventory, err)
	}
	in.estate = estate
	for _, p := range problems {
		in.problems = append(in.problems, fmt.Sprintf("inventory %s: %s", filepath.Base(in.Inventory), p))
	}
	return nil
}

func (in *inputs) readPolicy() error {
	in.policyRaw = policy.Text()
	if in.Policy != "" {
		content, err := os.ReadFile(in.Policy)
		if err != nil {
			return fmt.Errorf("read policy: %w", err)
		}
		in.policyRaw = content
	}
	in.digest("policy", in.policyRaw)
	var err error
	if in.policy, err = policy.Parse(in.policyRaw); err != nil {
		return fmt.Errorf("%s: %w", cmp.Or(in.Policy, "built-in policy"), err)
	}
	return nil
}

func (in *inputs) readChanges() error {
	in.digest("changes", nil)
	if in.Changes == "" {
		return nil
	}
	content, err := os.ReadFile(in.Changes)
	if err != nil {
		return fmt.Errorf("read approved work: %w", err)
	}
	in.digest("changes", content)
	changes, problems, err := inventory.ReadChanges(bytes.NewReader(content), filepath.Base(in.Changes), in.zone)
	if err != nil {
		return fmt.Errorf("read approved work %q: %w", in.Changes, err)
	}
	in.changes = changes
	for _, p := range problems {
		in.problems = append(in.problems, fmt.Sprintf("approved work %s: %s", filepath.Base(in.Changes), p))
	}
	return nil
}

func (in *inputs) readAddresses() error {
	in.digest("addresses", nil)
	h := sha256.New()
	for _, path := range in.Addresses {
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read address database: %w", err)
		}
		fmt.Fprintf(h, "%x\n", sha256.Sum256(content))
		problems, err := in.addresses.Read(path, content)
		if err != nil {
			return err
		}
		for _, p := range problems {
			in.problems = append(in.problems, fmt.Sprintf("address database %s: %s", filepath.Base(path), p))
		}
	}
	if len(in.Addresses) > 0 {
		sum := hex.EncodeToString(h.Sum(nil))
		in.digests["addresses"] = &sum
	}
	return nil
}

func (in *inputs) readClaims() error {
	in.digest("claims", nil)
	if in.Claims == "" {
		return nil
	}
	content, err := os.ReadFile(in.Claims)
	if err != nil {
		return fmt.Errorf("read claims: %w", err)
	}
	in.digest("claims", content)
	claims, problems, err := inventory.ReadClaims(bytes.NewReader(content), filepath.Base(in.Claims))
	if err != nil {
		return fmt.Errorf("read claims %q: %w", in.Claims, err)
	}
	for _, c := range claims {
		in.claims = append(in.claims, spread.Claim{Says: c.Claim, By: c.By, Source: c.Source, Date: c.Date})
	}
	for _, p := range problems {
		in.problems = append(in.problems, fmt.Sprintf("claims %s: %s", filepath.Base(in.Claims), p))
	}
	return nil
}

// readNumbers reads the form of the hospital's own numbers.
func (in *inputs) readNumbers() error {
	in.digest("numbers", nil)
	if in.Numbers == "" {
		return nil
	}
	content, err := os.ReadFile(in.Numbers)
	if err != nil {
		return fmt.Errorf("read hospital numbers: %w", err)
	}
	in.digest("numbers", content)
	if in.numbers, err = patient.ReadConfig(bytes.NewReader(content)); err != nil {
		return fmt.Errorf("read hospital numbers %q: %w", in.Numbers, err)
	}
	return nil
}

// builtinOrigin is the source of Wardround's own rules.
const builtinOrigin = "wardround"

func (in *inputs) readRules() error {
	files, problems := sigma.Read(policy.Rules(), builtinOrigin)
	for _, path := range in.Rules {
		more, p, err := readRuleFiles(path)
		if err != nil {
			return err
		}
		files, problems = append(files, more...), append(problems, p...)
	}
	placeholders := map[string][]string{}
	if in.Placeholders != "" {
		content, err := os.ReadFile(in.Placeholders)
		if err != nil {
			return fmt.Errorf("read placeholders: %w", err)
		}
		if placeholders, err = sigma.Placeholders(content); err != nil {
			return fmt.Errorf("read placeholders %q: %w", in.Placeholders, err)
		}
	}
	for name, values := range in.policy.Indicators {
		if len(values) > 0 {
			placeholders[name] = append(placeholders[name], values...)
		}
	}
	if in.RulesRead != nil {
		size := int64(0)
		for _, f := range files {
			size += int64(len(f.Data))
		}
		in.RulesRead(size)
	}
	in.set = sigma.Load(files, placeholders)
	in.set.Problems = append(problems, in.set.Problems...)
	h := sha256.New()
	slices.SortStableFunc(files, func(a, b sigma.File) int { return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Path, b.Path)) })
	for _, f := range files {
		fmt.Fprintf(h, "%q %q %x\n", f.Origin, f.Path, sha256.Sum256(f.Data))
	}
	fmt.Fprintf(h, "%q\n", fmt.Sprint(placeholders))
	sum := hex.EncodeToString(h.Sum(nil))
	in.digests["rules"] = &sum
	in.readKey = fmt.Sprintf("%s %s %s %t %v", in.Version, sum, in.zone, in.Slack, in.Limits)
	if numbers := in.digests["numbers"]; numbers != nil {
		in.readKey += " " + *numbers // whose data a file holds depends on it
	}
	return nil
}

// readRuleFiles collects the rules of a folder, a file or a zip.
func readRuleFiles(path string) ([]sigma.File, []sigma.Problem, error) {
	origin := strings.TrimSuffix(filepath.Base(filepath.Clean(path)), ".zip")
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read rules: %w", err)
	}
	if info.IsDir() {
		files, problems := sigma.Read(os.DirFS(path), origin)
		return files, problems, none(files, path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read rules: %w", err)
	}
	if bytes.HasPrefix(content, []byte("PK\x03\x04")) {
		z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return nil, nil, fmt.Errorf("read rules %q: %w", path, err)
		}
		files, problems := sigma.Read(z, origin)
		return files, problems, none(files, path)
	}
	return []sigma.File{{Path: filepath.Base(path), Origin: origin, Data: content}}, nil, nil
}

func none(files []sigma.File, path string) error {
	if len(files) == 0 {
		return fmt.Errorf("read rules %q: no .yml or .yaml file below it", path)
	}
	return nil
}
