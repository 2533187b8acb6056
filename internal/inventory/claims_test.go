package inventory

import (
	"fmt"
	"strings"
	"testing"
)

func TestClaims(t *testing.T) {
	got, problems, err := ReadClaims(strings.NewReader("Claim,Claimed by,link,date\n\"it was X, from Y\",a newspaper,https://news.example/1,2022-12-14\n,somebody,,\n"), "claims.csv")
	if err != nil || fmt.Sprint(got) != fmt.Sprint([]Claim{{"it was X, from Y", "a newspaper", "https://news.example/1", "2022-12-14"}}) || len(problems) != 3 || !problems[2].Lost || problems[2].Line != 3 {
		t.Errorf("%q, %v, %v", got, problems, err)
	}
	if _, _, err := ReadClaims(strings.NewReader("a,b\n1,2\n"), "x.csv"); err == nil {
		t.Error("a list without claims was taken")
	}
}
