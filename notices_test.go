package wardround_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestThirdParties holds THIRD-PARTY.md against what is linked into the binary: each module with its version.
func TestThirdParties(t *testing.T) {
	page, err := os.ReadFile("THIRD-PARTY.md")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./cmd/wardround")
	list.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("list modules: %v", err)
	}
	modules := 0
	for module := range strings.Lines(string(out)) {
		if module = strings.TrimSpace(module); module == "" {
			continue
		}
		modules++
		if !strings.Contains(string(page), "\n## "+module+"\n") {
			t.Errorf("THIRD-PARTY.md lacks %s: run scripts/notices.sh", module)
		}
	}
	if modules == 0 {
		t.Fatal("no module is listed")
	}
}
