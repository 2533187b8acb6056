package evidence

import (
	"strings"
	"testing"
	"time"
)

const (
	preferencesPath = "C/Windows/SYSVOL/domain/Policies/{0F2B7C11-6AC1-4F2D-B7A1-02C4D9E35A10}/Machine/Preferences/ScheduledTasks/ScheduledTasks.xml"
	preferencesXML  = `<?xml version="1.0" encoding="utf-8"?>
<ScheduledTasks clsid="{CC63F200-7309-4ba0-B154-A71CD118DBCC}">
 <ImmediateTaskV2 clsid="{9756B581-76EC-4169-9AFC-0CA8D43ADB5F}" name="One" changed="2019-03-30 23:04:20" uid="{1}"><Properties action="C" name="One" runAs="NT AUTHORITY\System" cpassword="AzVJ">
  <Task version="1.3"><RegistrationInfo><Author>HOSP\admin</Author></RegistrationInfo><Actions Context="Author"><Exec><Command>cmd.exe</Command><Arguments>/c \\hosp.example\NETLOGON\a.exe &amp; x</Arguments></Exec>
  <Exec><Command>C:\b.exe</Command><WorkingDirectory>C:\</WorkingDirectory></Exec></Actions></Task></Properties><Filters/></ImmediateTaskV2>
 <Task name="Two"><Properties action="U" name="Two" appName="C:\c.exe" args="-q" startIn="C:\t"/></Task>
</ScheduledTasks>`
	groupsXML = `<!-- kept --><Groups clsid="{3125E937-EB16-4b4c-9934-544FC6D24D26}"><Group name="Administrators"><Properties action="U" groupName="Administrators (built-in)"><Members><Member name="HOSP\temp" action="ADD" sid=""/><Member name="HOSP\old" action="REMOVE"/></Members></Properties></Group>
<User name="local"><Properties action="C" userName="local" cpassword="AzVJ"/></User></Groups>`
	registryXML = `<RegistrySettings clsid="{A3CCFC41-DFDB-43a5-8D26-0FE8B954DA51}"><Collection name="all"><Registry name="v"><Properties action="U" hive="HKEY_LOCAL_MACHINE" key="SOFTWARE\x" name="v" type="REG_SZ" value="C:\d.exe"/></Registry></Collection></RegistrySettings>`
)

func TestPreferences(t *testing.T) {
	for form, b := range map[string][]byte{"UTF-8": []byte(preferencesXML), "UTF-16": append([]byte("\xff\xfe"), wide(preferencesXML)...)} {
		if !isPreferences(b, "x.xml") {
			t.Fatalf("%s: not recognised", form)
		}
		got, facts := readAll(t, readPreferences, preferencesPath, b, time.Time{})
		if len(got) != 3 || len(facts.Damaged) > 0 {
			t.Fatalf("%s: %d events, %v", form, len(got), facts.Damaged)
		}
		got[0].want(t, form, "PolicyID={0F2B7C11-6AC1-4F2D-B7A1-02C4D9E35A10}", "Scope=Machine", "Kind=ScheduledTasks", "Item=ImmediateTaskV2", "Name=One", "Action=C", "TaskName=One", "Command=cmd.exe",
			`Arguments=/c \\hosp.example\NETLOGON\a.exe & x`, `UserId=NT AUTHORITY\System`, "Changed=2019-03-30 23:04:20", "Secret=a password is kept here", "source=windows/policy preferences/")
		got[1].want(t, form, `Command=C:\b.exe`, `WorkingDirectory=C:\`, "Arguments=")
		got[2].want(t, form, "Item=Task", `Command=C:\c.exe`, "Arguments=-q", `WorkingDirectory=C:\t`, "Changed=")
	}
	got, _ := readAll(t, readPreferences, "Groups.xml", []byte(groupsXML), time.Time{})
	if len(got) != 2 {
		t.Fatal(len(got))
	}
	got[0].want(t, "groups", "Item=Group", "Group=Administrators (built-in)", `Members=ADD HOSP\temp; REMOVE HOSP\old`, "PolicyID=")
	got[1].want(t, "groups", "Item=User", "UserId=local", "Secret=a password is kept here")
	got, _ = readAll(t, readPreferences, "Registry.xml", []byte(registryXML), time.Time{})
	if len(got) != 1 {
		t.Fatal(len(got))
	}
	got[0].want(t, "registry", "Item=Registry", `Key=SOFTWARE\x`, `Value=C:\d.exe`)
	// What stands before the file breaks off is told, and so is that it does.
	got, facts := readAll(t, readPreferences, preferencesPath, []byte(preferencesXML[:strings.Index(preferencesXML, "<Task name")]), time.Time{})
	if len(got) != 2 || len(facts.Damaged) != 1 {
		t.Fatal(len(got), facts.Damaged)
	}
	if _, facts = readAll(t, readPreferences, "x", []byte("<Files>"+strings.Repeat("<a>", 10000)), time.Time{}); len(facts.Damaged) == 0 {
		t.Error("depth without end went unnoticed")
	}
}

// TestPreferencesClaims: the names of the roots are ordinary words; without a class id they are preferences only where they lie.
func TestPreferencesClaims(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       bool
	}{
		{preferencesPath, "<ScheduledTasks><ImmediateTaskV2/></ScheduledTasks>", true},
		{"x.xml", "<Files><File/></Files>", false},
		{"x.xml", `<Files clsid="{215B2E53-57CE-475c-80FE-9EEC14635851}"/>`, true},
		{preferencesPath, "<Task>", false},
		{preferencesPath, "<!-- cut", false},
		{"x.xml", groupsXML, true},
		{"x.xml", taskXML, false},
	} {
		if got := isPreferences([]byte(c.text), c.name); got != c.want {
			t.Errorf("%.40q at %s: %v", c.text, c.name, got)
		}
	}
	eachShared(t, headBytes, func(name string, head []byte) {
		if preferencesReader.is(head, name) && !strings.Contains(strings.ToLower(name), "preferences") {
			t.Errorf("%s is claimed", name)
		}
	})
}

func FuzzPreferences(f *testing.F) {
	for _, s := range []string{preferencesXML, groupsXML, registryXML, "<Files><File><Properties/></File></Files>"} {
		f.Add([]byte(s))
	}
	f.Add(append([]byte("\xff\xfe"), wide(groupsXML+"\x00")...))
	f.Fuzz(func(t *testing.T, b []byte) {
		isPreferences(b, preferencesPath)
		readAll(t, readPreferences, preferencesPath, b, time.Time{})
	})
}
