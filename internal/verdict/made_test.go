package verdict

import (
	"testing"

	"wardround/internal/policy"
)

// TestMadeOf: of each record that tells of an account being made, who made which. A group is no account, nor is who runs the command.
func TestMadeOf(t *testing.T) {
	j := New(&policy.Policy{}, Options{})
	for _, c := range []struct {
		name        string
		fields      map[string]string
		by, account string
		raised      bool
	}{
		{"4720", map[string]string{"EventID": "4720", "SubjectDomainName": "HOSP", "SubjectUserName": "adm", "TargetDomainName": "HOSP", "TargetUserName": "temp"}, `hosp\adm`, `hosp\temp`, false},
		{"4722", map[string]string{"EventID": "4722", "SubjectDomainName": "HOSP", "SubjectUserName": "adm", "TargetDomainName": "HOSP", "TargetUserName": "temp"}, `hosp\adm`, `hosp\temp`, true},
		{"own password", map[string]string{"SubjectDomainName": "HOSP", "SubjectUserName": "adm", "TargetDomainName": "HOSP", "TargetUserName": "adm"}, "", "", false},
		{"4728", map[string]string{"SubjectDomainName": "HOSP", "SubjectUserName": "adm", "MemberName": "CN=temp,CN=Users,DC=hosp,DC=example", "TargetUserName": "Domain Admins", "TargetDomainName": "HOSP"}, `hosp\adm`, `hosp\temp`, true},
		{"4732 without a name", map[string]string{"SubjectDomainName": "HOSP", "SubjectUserName": "adm", "MemberName": "-", "TargetUserName": "Administrators"}, "", "", false},
		{"net user", map[string]string{"User": `HOSP\adm`, "CommandLine": `net  user support2 Secret#1 /add /domain`}, `hosp\adm`, `hosp\support2`, false},
		{"net user of a computer's own", map[string]string{"SubjectDomainName": "HOSP", "SubjectUserName": "adm", "CommandLine": `"C:\Windows\System32\net1.exe" user /add`}, "", "", false},
		{"net user here", map[string]string{"User": `HOSP\adm`, "CommandLine": `C:\Windows\system32\net1.exe user "support2" x /add`}, `hosp\adm`, "support2", false},
		{"net group", map[string]string{"User": `HOSP\adm`, "CommandLine": `net group "Domain Admins" support2 /add /domain`}, `hosp\adm`, `hosp\support2`, true},
		{"net localgroup", map[string]string{"User": `HOSP\adm`, "CommandLine": `net localgroup administrators support2 /add`}, `hosp\adm`, "support2", true},
		{"New-LocalUser", map[string]string{"User": `HOSP\adm`, "CommandLine": `powershell New-LocalUser -Name 'temp' -NoPassword`}, `hosp\adm`, "temp", false},
		{"New-LocalUser bare", map[string]string{"User": `HOSP\adm`, "CommandLine": `New-LocalUser temp`}, `hosp\adm`, "temp", false},
		{"New-ADUser", map[string]string{"User": `HOSP\adm`, "CommandLine": `New-ADUser -Name "Someone Else" -SamAccountName temp -Enabled 1`}, `hosp\adm`, `hosp\temp`, false},
		{"Add-ADGroupMember", map[string]string{"User": `HOSP\adm`, "CommandLine": `Add-ADGroupMember -Identity "Domain Admins" -Members temp`}, `hosp\adm`, `hosp\temp`, true},
		{"SAM", map[string]string{"User": `HOSP\adm`, "TargetObject": `HKLM\SAM\SAM\Domains\Account\Users\Names\temp\(Default)`}, `hosp\adm`, "temp", false},
		{"useradd", map[string]string{"program": "useradd", "action": "new user", "user": "nagiosd", "message": "new user: name=nagiosd"}, "", "nagiosd", false},
		{"usermod", map[string]string{"program": "usermod", "user": "nagiosd", "group": "sudo", "by": "ops"}, "ops", "nagiosd", true},
		{"audit", map[string]string{"type": "ADD_USER", "acct": "nagiosd", "AUID": "ops"}, "ops", "nagiosd", false},
		{"key", map[string]string{"user": "ops", "command": "echo ssh-ed25519 AAAA >> /home/deploy/.ssh/authorized_keys"}, "ops", "deploy", true},
		{"root's key", map[string]string{"user": "ops", "command": "tee /root/.ssh/authorized_keys"}, "", "", false},
		{"esxcli", map[string]string{"user": "root", "command": "esxcli system account add -i support -p x -c x"}, "", "support", false},
		{"SQL", map[string]string{"user": "sa", "statement": "CREATE LOGIN [support] WITH PASSWORD = 'x'"}, "sa", "support", false},
		{"SQL alters", map[string]string{"user": "postgres", "statement": "ALTER ROLE ehosp WITH SUPERUSER"}, "postgres", "ehosp", true},
		{"nothing", map[string]string{"User": "x"}, "", "", false},
	} {
		got := j.madeOf(c.fields)
		if got == nil {
			got = &making{}
		}
		if got.account != c.account || c.account != "" && (got.by != c.by || got.raised != c.raised) {
			t.Errorf("%s: %+v, want %s by %s, raised %t", c.name, *got, c.account, c.by, c.raised)
		}
	}
}
