package report

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

const p = "[masked:password]"

// TestMaskHides: the word Winter#22 and what stands for secrets below must go, everything else must stay.
func TestMaskHides(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		// Windows command lines
		{`net user svc_bkp Winter#22 /add`, `net user svc_bkp ` + p + ` /add`},
		{`net user /add svc_bkp Winter#22 /domain`, `net user /add svc_bkp ` + p + ` /domain`},
		{`C:\Windows\System32\net1.exe user "svc bkp" "Winter #22" /add /y`, `C:\Windows\System32\net1.exe user "svc bkp" ` + p + ` /add /y`},
		{`cmd.exe /c "net user svc_bkp Winter#22 /add & net localgroup administrators svc_bkp /add"`, `cmd.exe /c "net user svc_bkp ` + p + ` /add & net localgroup administrators svc_bkp /add"`},
		{`cmd /c net use \\EX-DB1\C$ Winter#22 /user:HOSP\adm`, `cmd /c net use \\EX-DB1\C$ ` + p + ` /user:HOSP\adm`},
		{`net use Z: \\198.18.0.4\IPC$ /user:HOSP\adm Winter#22`, `net use Z: \\198.18.0.4\IPC$ /user:HOSP\adm ` + p},
		{`net use * \\EX-DB1\C$ "Winter #22" /u:adm /persistent:no`, `net use * \\EX-DB1\C$ ` + p + ` /u:adm /persistent:no`},
		{`PsExec64.exe -accepteula \\EX-DB1 -u HOSP\adm -p Winter#22 cmd`, `PsExec64.exe -accepteula \\EX-DB1 -u HOSP\adm -p ` + p + ` cmd`},
		{`svchosts.exe \\EX-DB1 -u HOSP\adm -p Winter#22 cmd`, `svchosts.exe \\EX-DB1 -u HOSP\adm -p ` + p + ` cmd`},
		{`wmic /node:EX-DB1 /user:adm /password:Winter#22 process call create x`, `wmic /node:EX-DB1 /user:adm /password:` + p + ` process call create x`},
		{`tool.exe /u:adm /p:Winter#22 /v`, `tool.exe /u:adm /p:` + p + ` /v`},
		{`cmdkey /add:EX-DB1 /user:adm /pass:Winter#22`, `cmdkey /add:EX-DB1 /user:adm /pass:` + p},
		{`cmdkey /generic:TERMSRV/EX-DB1 /user:adm /pass:"Winter 22"`, `cmdkey /generic:TERMSRV/EX-DB1 /user:adm /pass:` + p},
		{`schtasks /create /tn x /ru HOSP\adm /rp Winter#22 /sc once`, `schtasks /create /tn x /ru HOSP\adm /rp ` + p + ` /sc once`},
		{`schtasks /create /s EX-DB1 /u adm /p Winter#22 /tn x`, `schtasks /create /s EX-DB1 /u adm /p ` + p + ` /tn x`},
		{`sc \\EX-DB1 create x binPath= c:\x.exe obj= HOSP\adm password= Winter#22`, `sc \\EX-DB1 create x binPath= c:\x.exe obj= HOSP\adm password= ` + p},
		{`echo Winter#22 | runas /user:adm cmd`, `echo ` + p + ` | runas /user:adm cmd`},
		{`runas /user:HOSP\adm /savecred "net use \\EX-DB1\c$ Winter#22"`, `runas /user:HOSP\adm /savecred "net use \\EX-DB1\c$ ` + p + `"`},
		{`reg add "HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon" /v DefaultPassword /t REG_SZ /d Winter#22 /f`, `reg add "HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon" /v DefaultPassword /t REG_SZ /d ` + p + ` /f`},
		{`plink.exe -ssh root@198.18.0.7 -pw Winter#22 -R 3389`, `plink.exe -ssh root@198.18.0.7 -pw ` + p + ` -R 3389`},
		{`netdom join EX-DB1 /domain:hosp /userd:adm /passwordd:Winter#22`, `netdom join EX-DB1 /domain:hosp /userd:adm /passwordd:` + p},
		{`bitsadmin /SetCredentials job SERVER BASIC adm Winter#22`, `bitsadmin /SetCredentials job SERVER BASIC adm ` + p},
		{`xfreerdp /u:adm /p:Winter#22 /v:198.18.0.9`, `xfreerdp /u:adm /p:` + p + ` /v:198.18.0.9`},
		{`mimikatz "sekurlsa::pth /user:adm /domain:hosp /ntlm:0123456789abcdef0123456789abcdef"`, `mimikatz "sekurlsa::pth /user:adm /domain:hosp /ntlm:[masked:hash]"`},
		{`rclone config create mega mega user a@b.in pass Winter#22`, `rclone config create mega mega user a@b.in pass ` + p},
		{`rar.exe a -hpWinter#22 -r out.rar D:\data`, `rar.exe a -hp` + p + ` -r out.rar D:\data`},
		{`7z a -pWinter#22 out.7z D:\data`, `7z a -p` + p + ` out.7z D:\data`},
		// PowerShell
		{`ConvertTo-SecureString "Winter #22" -AsPlainText -Force`, `ConvertTo-SecureString ` + p + ` -AsPlainText -Force`},
		{`ConvertTo-SecureString -String 'Winter#22' -AsPlainText -Force`, `ConvertTo-SecureString -String ` + p + ` -AsPlainText -Force`},
		{`$c=New-Object PSCredential('adm',(ConvertTo-SecureString -AsPlainText Winter#22 -Force))`, `$c=New-Object PSCredential('adm',(ConvertTo-SecureString -AsPlainText ` + p + ` -Force))`},
		{`"Winter#22" | ConvertTo-SecureString -AsPlainText -Force`, `"` + p + `" | ConvertTo-SecureString -AsPlainText -Force`},
		{`New-Object System.Net.NetworkCredential("adm","Winter#22")`, `New-Object System.Net.NetworkCredential("adm","` + p + `")`},
		{`[System.Net.NetworkCredential]::new('adm', 'Winter#22')`, `[System.Net.NetworkCredential]::new('adm', '` + p + `')`},
		{`Invoke-Sqlcmd -Username sa -Password 'Winter#22' -Query x`, `Invoke-Sqlcmd -Username sa -Password '` + p + `' -Query x`},
		{`$password = "Winter#22"; Get-Date`, `$password = ` + p + `; Get-Date`},
		{`@{Authorization = "Bearer Winter#22xxxxxxxxx"}`, `@{Authorization = "Bearer [masked:token]"}`},
		// Unix
		{`sshpass -p Winter#22 ssh root@198.18.0.7`, `sshpass -p ` + p + ` ssh root@198.18.0.7`},
		{`sshpass -p'Winter#22' ssh root@198.18.0.7`, `sshpass -p` + p + ` ssh root@198.18.0.7`},
		{`mysql -u root -pWinter#22 hospital`, `mysql -u root -p` + p + ` hospital`},
		{`/usr/bin/mysqldump --user=root --password=Winter#22 --all-databases`, `/usr/bin/mysqldump --user=root --password=` + p + ` --all-databases`},
		{`mysqladmin --password Winter#22 shutdown`, `mysqladmin --password ` + p + ` shutdown`},
		{`PGPASSWORD=Winter#22 psql -h EX-DB1`, `PGPASSWORD=` + p + ` psql -h EX-DB1`},
		{`MYSQL_PWD=Winter#22 mysql`, `MYSQL_PWD=` + p + ` mysql`},
		{`curl -u adm:Winter#22 https://198.18.0.7/x`, `curl -u adm:` + p + ` https://198.18.0.7/x`},
		{`curl --user 'adm:Winter #22' https://198.18.0.7/x`, `curl --user 'adm:` + p + `' https://198.18.0.7/x`},
		{`curl -uadm:Winter#22 https://198.18.0.7/x`, `curl -uadm:` + p + ` https://198.18.0.7/x`},
		{`curl -H "Authorization: Basic YWRtOldpbnRlciMyMg==" https://x`, `curl -H "Authorization: Basic [masked:token]" https://x`},
		{`smbclient //198.18.0.4/c$ -U HOSP/adm%Winter#22`, `smbclient //198.18.0.4/c$ -U HOSP/adm%` + p},
		{`echo Winter#22 | sudo -S id`, `echo ` + p + ` | sudo -S id`},
		{`echo "root:Winter#22" | chpasswd`, `echo ` + p + ` | chpasswd`},
		{`useradd -p $6$saltsalt$abcdefghijklmnop bob`, `useradd -p [masked:hash] bob`},
		{`ldapsearch -D cn=adm -w Winter#22 -b dc=hosp`, `ldapsearch -D cn=adm -w ` + p + ` -b dc=hosp`},
		{`redis-cli -a Winter#22 KEYS '*'`, `redis-cli -a ` + p + ` KEYS '*'`},
		{`openssl enc -aes-256-cbc -k Winter#22 -in a`, `openssl enc -aes-256-cbc -k ` + p + ` -in a`},
		{`openssl rsa -passin pass:Winter#22 -in a`, `openssl rsa -passin ` + p + ` -in a`},
		{`secretsdump.py HOSP/adm:Winter#22@198.18.0.4`, `secretsdump.py HOSP/adm:` + p + `@198.18.0.4`},
		{`wmiexec.py -hashes aad3b435b51404eeaad3b435b51404ee:0123456789abcdef0123456789abcdef adm@198.18.0.4`, `wmiexec.py -hashes [masked:hash] adm@198.18.0.4`},
		{`nxc smb 198.18.0.0/24 -u adm -p Winter#22`, `nxc smb 198.18.0.0/24 -u adm -p ` + p},
		{`sqlcmd -S EX-DB1 -U sa -P Winter#22 -Q "select 1"`, `sqlcmd -S EX-DB1 -U sa -P ` + p + ` -Q "select 1"`},
		{`sqlplus scott/Winter#22@//EX-DB1:1521/HIS`, `sqlplus scott/` + p + `@//EX-DB1:1521/HIS`},
		{`expdp system/Winter#22 full=y`, `expdp system/` + p + ` full=y`},
		{`docker login -u x -p Winter#22 reg.hosp.in`, `docker login -u x -p ` + p + ` reg.hosp.in`},
		// assignments
		{`PASSWORD=Winter#22`, `PASSWORD=` + p},
		{`user=adm pwd=Winter#22;db=x`, `user=adm pwd=` + p + `;db=x`},
		{`{"user":"adm","password":"Win\"ter#22","n":1}`, `{"user":"adm","password":` + p + `,"n":1}`},
		{`{\"password\":\"Winter#22\",\"n\":1}`, `{\"password\":` + p + `,\"n\":1}`},
		{`rootpassword=Winter#22 x`, `rootpassword=` + p + ` x`},
		{`db.password: Winter#22`, `db.password: ` + p},
		{`spring.datasource.password=Winter;#22x next`, `spring.datasource.password=` + p + ` next`},
		{`password => 'Winter#22', host => 'x'`, `password => ` + p + `, host => 'x'`},
		{`dbPassword2 = Winter#22`, `dbPassword2 = ` + p},
		{`Password : Winter#22`, `Password : ` + p},
		{`<Password>Winter#22</Password>`, `<Password>` + p + `</Password>`},
		{`<AdministratorPassword><Value>Winter#22</Value>`, `<AdministratorPassword><Value>` + p + `</Value>`},
		{`<add key="DbPassword" value="Winter#22"/>`, `<add key="DbPassword" value="` + p + `"/>`},
		{`cpassword="Winter#22xx"`, `cpassword=` + p},
		{`POST /login user=adm&password=Winter%2322&go=1`, `POST /login user=adm&password=` + p + `&go=1`},
		{`user%5Bpassword%5D=Winter%2322&x=1`, `user%5Bpassword%5D=` + p + `&x=1`},
		{`GET /x?access_token=Winter22abc&y=1`, `GET /x?access_token=[masked:token]&y=1`},
		{`GET /x?sig=Winter22abc&se=2022`, `GET /x?sig=[masked:token]&se=2022`},
		{`sv=2022&sig=Winter22abc&se=2022`, `sv=2022&sig=[masked:token]&se=2022`},
		{`Cookie: JSESSIONID=Winter22; a=b`, `Cookie: [masked:token]`},
		{`Proxy-Authorization: Basic V2ludGVyIzIy`, `Proxy-Authorization: Basic [masked:token]`},
		{`X-Api-Key: Winter22`, `X-Api-Key: [masked:key]`},
		{`Secret Access Key: Winter22abc`, `Secret Access Key: [masked:key]`},
		{`aws_secret_access_key = Winter22/abc+def`, `aws_secret_access_key = [masked:key]`},
		// connection strings and URLs
		{`Server=EX-DB1;Database=HIS;User Id=sa;Password=Winter#22;Encrypt=no`, `Server=EX-DB1;Database=HIS;User Id=sa;Password=` + p + `;Encrypt=no`},
		{`Data Source=EX-DB1;Uid=sa;Pwd='Winter;#22';`, `Data Source=EX-DB1;Uid=sa;Pwd=` + p + `;`},
		{`DefaultEndpointsProtocol=https;AccountName=h;AccountKey=V2ludGVyMjI=;EndpointSuffix=x`, `DefaultEndpointsProtocol=https;AccountName=h;AccountKey=[masked:key];EndpointSuffix=x`},
		{`ftp://adm:Winter#22@198.18.0.7/x`, `ftp://adm:` + p + `@198.18.0.7/x`},
		{`postgres://his:Winter@22@EX-DB1:5432/his`, `postgres://his:` + p + `@EX-DB1:5432/his`},
		{`see ftp://adm:Winter#22`, `see ftp://adm:` + p}, // cut off before the host
		{`jdbc:oracle:thin:his/Winter#22@EX-DB1:1521:HIS`, `jdbc:oracle:thin:his/` + p + `@EX-DB1:1521:HIS`},
		{`jdbc:mysql://EX-DB1/his?user=root&password=Winter22`, `jdbc:mysql://EX-DB1/his?user=root&password=` + p},
		// SQL
		{`CREATE LOGIN x WITH PASSWORD = 'Winter#22', CHECK_POLICY = OFF`, `CREATE LOGIN x WITH PASSWORD = ` + p + `, CHECK_POLICY = OFF`},
		{`ALTER USER x WITH PASSWORD 'Winter#22'`, `ALTER USER x WITH PASSWORD '` + p + `'`},
		{`ALTER USER his IDENTIFIED BY "Winter#22"`, `ALTER USER his IDENTIFIED BY "` + p + `"`},
		{`GRANT ALL ON *.* TO 'x'@'%' IDENTIFIED BY 'Winter#22'`, `GRANT ALL ON *.* TO 'x'@'%' IDENTIFIED BY '` + p + `'`},
		{`EXEC sp_addlogin 'x', 'Winter#22'`, `EXEC sp_addlogin 'x', '` + p + `'`},
		{`SET PASSWORD FOR x = PASSWORD('Winter#22')`, `SET PASSWORD FOR x = PASSWORD('` + p + `')`},
		// shapes
		{"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----[masked:key]-----END RSA PRIVATE KEY-----"},
		{"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz", "-----BEGIN OPENSSH PRIVATE KEY-----[masked:key]"},
		{`eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG0ifQ.abc-def_ghi`, `[masked:token]`},
		{`id AKIAIOSFODNN7EXAMPLE used`, `id AKIA[masked:key] used`},
		{`push to ghp_abcdefghijklmnopqrstuvwxyz0123456789`, `push to ghp_[masked:token]`},
		{`root:$6$saltsalt$abcdefghijklmnop:19000:0`, `root:$6$[masked:hash]:19000:0`},
		{`Administrator:500:aad3b435b51404eeaad3b435b51404ee:0123456789abcdef0123456789abcdef:::`, `Administrator:500:[masked:hash]:::`},
		{`* NTLM     : 0123456789abcdef0123456789abcdef`, `* NTLM     : [masked:hash]`},
		{`https://api.telegram.org/bot123456789:AAabcdefghijklmnopqrstuvwxyz0123456/send`, `https://api.telegram.org/bot123456789:[masked:token]/send`},
		// patients
		{`Aadhaar 2341 2341 2346`, `Aadhaar [masked:Aadhaar]`},
		{`id 2341-2341-2346, x`, `id [masked:Aadhaar], x`},
		{`आधार संख्या: 234123412346`, `आधार संख्या: [masked:Aadhaar]`},
		{`row 234123412346 inserted`, `row [masked:Aadhaar] inserted`},
		{`aadhaar_no=234123412340 x`, `aadhaar_no=[masked:Aadhaar] x`}, // a wrong check digit, but announced
		{`ABHA 91-1234-5678-9012 seen`, `ABHA [masked:ABHA] seen`},
		{`abha_address=ravi.k@abdm`, `abha_address=[masked:ABHA]`},
		{`login of ravi.k@sbx ok`, `login of [masked:ABHA]@sbx ok`},
		{`UHID: AIIMS/2022/004711 admitted`, `UHID: [masked:patient] admitted`},
		{`MR No 2022-11-4711`, `MR No [masked:patient]`},
		{`patient_name=Ravi Kumar Sharma; ward=4`, `patient_name=[masked:patient]; ward=4`},
		{`{"patientName":"Ravi Kumar","dob":"1970-01-01"}`, `{"patientName":[masked:patient],"dob":[masked:patient]}`},
		{`call +91 98765 43210 now`, `call [masked:phone] now`},
		{`mobile: 98765 43210, x`, `mobile: [masked:phone], x`},
		{"MSH|^~\\&|HIS\rPID|1||4711^^^AIIMS||SHARMA^RAVI||19700101|M\rPV1|1|I", "MSH|^~\\&|HIS\rPID|[masked:patient]\rPV1|1|I"},
		{`(0010,0010) PN [SHARMA^RAVI]`, `(0010,0010) PN [[masked:patient]]`},
		{`INSERT INTO his.patients (id,name) VALUES (1,'Ravi')`, `INSERT INTO his.patients (id,name) VALUES [masked:patient]`},
	} {
		got := Mask(c.in)
		if got != c.want {
			t.Errorf("Mask(%q)\n got %q\nwant %q", c.in, got, c.want)
		}
		if again := Mask(got); again != got {
			t.Errorf("masked twice: %q, then %q", got, again)
		}
	}
}

// TestMaskKeeps: what investigators need and what only looks like a secret stays as it is.
func TestMaskKeeps(t *testing.T) {
	for _, s := range []string{
		`SHA256=9F3A0D0C8EAA00112233445566778899AABBCCDDEEFF00112233445566778899,MD5=0123456789abcdef0123456789abcdef,IMPHASH=0123456789abcdef0123456789abcdef`,
		`0123456789abcdef0123456789abcdef01234567`,
		`{54849625-5478-4994-A5BA-3E3B0328C30D}`,
		`12345678-1234-2341-2341-234123412346`,
		`S-1-5-21-3623811015-3361044348-30300820-1013`,
		`LogonId=0x3e7 TargetLogonId: 0x00000000000003e7`,
		`2022-11-23T01:37:49.1234567Z 20221123013749 202211230137 23 Nov 2022 07:07:49 IST`,
		`EventRecordID=234123412346 Bytes: 234123412346 offset 0x2341`,
		`record 4711, offset 458752, 20975616 bytes`,
		`Accepted password for root from 198.18.0.7 port 50222 ssh2`,
		`Failed password for invalid user admin from 198.18.0.7 port 50222`,
		`sudo: ops : TTY=pts/0 ; PWD=/home/ops ; USER=root ; COMMAND=/usr/bin/id`,
		`passwd[1234]: pam_unix(passwd:chauthtok): password changed for root`,
		`root:x:0:0:root:/root:/bin/bash /etc/passwd:`,
		`TokenElevationType: %%1936 Key Length: 128 Package Name (NTLM only): -`,
		`System.Management.Automation, Version=3.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35`,
		`msbuild app.sln /p:Configuration=Release`,
		`docker run -u root -p 8080:80 nginx:1.23`,
		`mkdir -p /srv/data/x && cp -p a b && ssh -p 2222 root@198.18.0.7`,
		`net user svc_bkp /domain`, `net user`, `net use \\EX-DB1\C$ /delete`, `net use Z: \\EX-DB1\C$`, `net use \\EX-DB1\IPC$ "" /u:""`,
		`net localgroup administrators svc_bkp /add`, `net user svc_bkp * /add`,
		`token::elevate privilege::debug sekurlsa::logonpasswords lsadump::secrets`,
		`vssadmin delete shadows /all /quiet`,
		`powershell -PassThru -NoProfile -ExecutionPolicy Bypass -File C:\Temp\a.ps1`,
		`HKLM\SYSTEM\CurrentControlSet\Control\Lsa\RunAsPPL = 0`,
		`http://198.18.0.7:8080/path@x and https://hosp.in:443/a`,
		`key=shadow_changes keyname: run SessionID=2 Session ID: 3`,
		`lockbit@mail.example contact for key`,
		`C:\Program Files\Oracle\oci.dll /usr/lib/x86_64-linux-gnu/security/pam_unix.so`,
		`IP Address: 198.18.0.7 IP No: 198.18.0.7`,
		`install base-passwd:amd64 <none> 3.5.33`, `dynPw=1 allowIncoming=1`, `TerminalServerIDsInToken = 0`, "C:\x00/a/b:\x01@\x02",
		`time-taken: 234123412346`, `password policy changed: minimum length 8`,
		`secret police: none`,
		`PID|PPID|CMD`,
		`9876543210 records, 98765 43210`,
		`msg=audit(1669167469.123:4711): pid=4711 uid=0 auid=1000 ses=3 res=success`,
		`image=repo/app:1.2@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef`,
		`4111 1111 1111 1112 10.0.2.4 fe80::1ff:fe23:4567:890a 00:1B:44:11:3A:B7`,
		``, `a`, `=`, `:`, `password`, `password=`, `password:`, `"password": ""`, `password = (Read-Host)`, `password: ********`,
	} {
		if got := Mask(s); got != s {
			t.Errorf("Mask(%q)\n got %q", s, got)
		}
	}
}

func TestMaskLooksIntoPayloads(t *testing.T) {
	script := "net user svc_bkp Winter#22 /add; Get-Date"
	want := "net user svc_bkp " + p + " /add; Get-Date"
	wide := func(s string) []byte {
		var b []byte
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return b
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(script))
	z.Close()
	nested := "powershell -enc " + base64.StdEncoding.EncodeToString(wide(script))
	for name, in := range map[string]string{
		"UTF-16":  "powershell.exe -nop -enc " + base64.StdEncoding.EncodeToString(wide(script)),
		"UTF-8":   "[Convert]::FromBase64String('" + base64.StdEncoding.EncodeToString([]byte(script)) + "')",
		"gzip":    "FromBase64String('" + base64.StdEncoding.EncodeToString(packed.Bytes()) + "')",
		"nested":  "powershell -e " + base64.StdEncoding.EncodeToString(wide(nested)),
		"auditd":  "proctitle=" + strings.ToUpper(hex.EncodeToString([]byte(strings.ReplaceAll(script, " ", "\x00")))),
		"cut off": "powershell -enc " + base64.StdEncoding.EncodeToString(wide(script))[:90],
	} {
		got := Mask(in)
		if !strings.Contains(got, "decoded and masked: ") || !strings.Contains(got, want[:38]) || strings.Contains(got, "Winter") {
			t.Errorf("%s: %q", name, got)
		}
		if Mask(got) != got {
			t.Errorf("%s: masked twice: %q", name, Mask(got))
		}
	}
	harmless := "powershell -enc " + base64.StdEncoding.EncodeToString(wide("Get-Process | Sort-Object CPU"))
	if got := Mask(harmless); got != harmless {
		t.Errorf("harmless payload changed: %q", got)
	}
}

func TestMaskField(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"Password", "Winter#22", p},
		{"db_password", "two words", p},
		{"Password", "-", "-"},
		{"PWD", "/root", "/root"},
		{"PatientName", "Ravi", "[masked:patient]"},
		{"Authorization", "Basic abc", "[masked:token]"},
		{"TokenElevationType", "%%1936", "%%1936"},
		{"EventRecordID", "234123412346", "234123412346"},
		{"Note", "234123412346", "[masked:Aadhaar]"},
		{"CommandLine", "net user a Winter#22", "net user a " + p},
		{"TargetUserName", "svc_bkp", "svc_bkp"},
		{"IpAddress", "198.18.0.7", "198.18.0.7"},
	} {
		if got := MaskField(c.name, c.in); got != c.want {
			t.Errorf("MaskField(%q, %q) = %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

func TestCheckDigits(t *testing.T) {
	for i, s := range []string{"234123412346", "499118665246"} { // numbers that the documentation of validators shows
		if !verhoeff(s) {
			t.Errorf("%d: check digit of %s", i, s)
		}
	}
	wrong := 0
	for d := byte('0'); d <= '9'; d++ {
		if !verhoeff("23412341234" + string(d)) {
			wrong++
		}
	}
	if wrong != 9 {
		t.Errorf("%d of 9 wrong digits found", wrong)
	}
	if !luhn("79927398713") || luhn("79927398710") {
		t.Error("luhn")
	}
}

func FuzzMask(f *testing.F) {
	for _, s := range []string{`net user a b /add`, `password="x`, `\"token\":\"`, `-----BEGIN PRIVATE KEY-----`, `a://b:c@d`, `curl -u a:b`,
		`<Password><Value>`, `2341 2341 2346`, `PID|1||2^3|4|5`, "\x00\xff=:", `cmd /c "cmd /c 'net user a b'"`, `Bearer abcdefghijklmnop=`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := Mask(s)
		if twice := Mask(once); twice != once {
			t.Errorf("%q\nonce  %q\ntwice %q", s, once, twice)
		}
	})
}

// TestMaskIsLinear: texts made to make a search start again at every byte. A quadratic one takes minutes.
func TestMaskIsLinear(t *testing.T) {
	for _, c := range []string{"=", "=:", "password=\"", "net user ", "/p:", "\"", "2341 ", "<password>", "PID|", `\"`, "a:b@", "://a:b@",
		"QUJD", "pass -u -p x ", "ConvertTo-SecureString ", "password:[masked:", "identified by '", "jdbc:oracle:a:b/", "name=\"a\" value=",
		"insert into patient set ", "echo a|", "\x00", "é"} {
		start := time.Now()
		Mask(strings.Repeat(c, 1<<17/len(c)))
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%q takes %v", c, d)
		}
	}
}
