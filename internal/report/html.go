package report

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed story.html
	storyHTML string
	//go:embed data.html
	dataHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// policyOf is the content security policy of the page: nothing but its own style and script, known by their digests.
// A style or script that got in through evidence has another digest and is refused by the browser.
func policyOf(style, script string) string {
	digest := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + digest(style) + "; script-src " + digest(script) + "; base-uri 'none'; form-action 'none'"
}

// pageTemplate holds no code that depends on evidence: style, script and policy are constants of the program.
var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"style":  func() template.CSS { return template.CSS(pageCSS) },
	"script": func() template.JS { return template.JS(pageJS) },
}).Parse(storyHTML + dataHTML + strings.Replace(pageHTML, "CONTENT-SECURITY-POLICY", policyOf(pageCSS, pageJS), 1)))

// HTML writes report.html when the stream is closed.
func HTML(w io.Writer) Handler {
	g := &gather{parts: all}
	g.render = func(e *estate) error {
		out := bufio.NewWriter(w)
		if err := pageTemplate.Execute(out, newPage(e)); err != nil {
			return fmt.Errorf("write page: %w", err)
		}
		return out.Flush()
	}
	return g
}
