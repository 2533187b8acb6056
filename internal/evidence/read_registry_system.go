package evidence

import (
	"encoding/binary"
	"fmt"
	"strings"

	"wardround/internal/event"
)

var (
	registryServices = event.TextSchema(event.Source{Product: "windows", Channel: "registry services"},
		"ServiceName", "DisplayName", "ImagePath", "ServiceDll", "StartType", "ServiceType", "AccountName", "FailureCommand", "TargetObject", "Details")
	registryShares = event.TextSchema(event.Source{Product: "windows", Channel: "registry shares"},
		"ShareName", "ShareLocalPath", "Type", "Remark", "TargetObject")
	registryIdentity = event.TextSchema(event.Source{Product: "windows", Channel: "registry system"},
		"ComputerName", "Hostname", "Domain", "ControlSet", "TimeZone", "TimeZoneBias", "ShutdownTime", "ProductType")
	registryNetwork = event.TextSchema(event.Source{Product: "windows", Channel: "registry interfaces"},
		"Interface", "IpAddress", "SubnetMask", "DefaultGateway", "NameServer", "Dhcp", "DhcpServer", "LeaseObtained", "LeaseExpires", "Domain")
	registryBAM = event.TextSchema(event.Source{Product: "windows", Channel: "bam"}, "Image", "UserSid", "LastRun")
)

// hklmSystem is how Sysmon shows the current control set.
const hklmSystem = `HKLM\System\CurrentControlSet`

// system reads the hive SYSTEM: of its control sets the current one.
func (r *registry) system() {
	set := "ControlSet001"
	if n, ok := r.of(r.open(r.root, "Select")).number("Current"); ok {
		set = fmt.Sprintf("ControlSet%03d", n)
	} else {
		r.out.note("the hive does not say which control set was in use: the first is taken")
	}
	top := r.open(r.root, set)
	if !top.exists() {
		r.out.damage(0, -1, "the control set in use is missing")
		return
	}
	r.identity(top, set)
	r.interfaces(top)
	r.services(top)
	r.shares(top)
	r.bam(top)
	r.watched(registryRun, top, hklmSystem, systemRun)
	r.watched(registrySettings, top, hklmSystem, systemSettings)
	for _, path := range []string{`Control\Session Manager\AppCompatCache`, `Control\Session Manager\AppCompatibility`} {
		k := r.open(top, path)
		if v, ok := r.of(k).find("AppCompatCache"); ok {
			r.shimcache(k, v)
		}
	}
}

// identity names the computer as its event logs do: by its full name if it has a domain. All events of the hive bear
// that name.
func (r *registry) identity(top hiveKey, set string) {
	k := r.open(top, `Control\ComputerName\ComputerName`)
	name := r.of(k).text("ComputerName")
	tcpip := r.of(r.open(top, `Services\Tcpip\Parameters`))
	host, domain := tcpip.text("Hostname"), tcpip.text("Domain")
	if host == "" {
		host = tcpip.text("NV Hostname")
	}
	switch {
	case isHostname(host) && domain != "" && isHostname(host+"."+domain):
		r.rec.Host = host + "." + domain
	case isHostname(host):
		r.rec.Host = host
	case isHostname(name):
		r.rec.Host = name
	}
	zone := r.of(r.open(top, `Control\TimeZoneInformation`))
	zoneName := zone.text("TimeZoneKeyName")
	if zoneName == "" {
		zoneName = zone.text("StandardName")
	}
	bias := event.Value{}
	if n, ok := zone.number("ActiveTimeBias"); ok {
		bias = event.Value{Type: event.Int32, Raw: binary.LittleEndian.AppendUint32(nil, uint32(n))}
	}
	down := event.NoTime
	if b := r.of(r.open(top, `Control\Windows`)).data("ShutdownTime"); len(b) == 8 {
		down = event.FromFileTime(binary.LittleEndian.Uint64(b))
	}
	product := r.of(r.open(top, `Control\ProductOptions`))
	r.emit(registryIdentity, k.written, k.at, textOrNull(name), textOrNull(host), textOrNull(domain), event.Text(set),
		textOrNull(zoneName), bias, instant(down), product.null("ProductType"))
}

// interfaces yields the addresses that each network interface has or last had.
func (r *registry) interfaces(top hiveKey) {
	seconds := func(v keyValues, name string) event.Value {
		if n, ok := v.number(name); ok && n > 0 {
			return instant(unixTime(int64(n), 0))
		}
		return event.Value{}
	}
	r.each(r.open(top, `Services\Tcpip\Parameters\Interfaces`), func(k hiveKey) bool {
		v := r.of(k)
		form := func(fixed, leased string) event.Value {
			s := v.text(fixed)
			if s == "" || s == "0.0.0.0" {
				s = v.text(leased)
			}
			return textOrNull(s)
		}
		address := form("IPAddress", "DhcpIPAddress")
		if address.IsNull() || string(address.Raw) == "0.0.0.0" {
			return true
		}
		r.emit(registryNetwork, k.written, k.at, event.Text(k.name), address, form("SubnetMask", "DhcpSubnetMask"), form("DefaultGateway", "DhcpDefaultGateway"),
			form("NameServer", "DhcpNameServer"), v.count("EnableDHCP"), v.null("DhcpServer"), seconds(v, "LeaseObtainedTime"), seconds(v, "LeaseTerminatesTime"),
			form("Domain", "DhcpDomain"))
		return true
	})
}

// Texts of event 7045 for the numbers of a service, so that one rule reads both.
var (
	startTypes   = []string{"boot start", "system start", "auto start", "demand start", "disabled"}
	serviceTypes = map[uint64]string{1: "kernel mode driver", 2: "file system driver", 4: "adapter", 8: "file system recognizer", 0x10: "user mode service", 0x20: "user mode service",
		0x110: "user mode service", 0x120: "user mode service", 0x50: "user mode service", 0x60: "user mode service", 0xd0: "user mode service", 0xe0: "user mode service"}
)

// services yields each service and driver.
func (r *registry) services(top hiveKey) {
	r.each(r.open(top, "Services"), func(k hiveKey) bool {
		v := r.of(k)
		parameters := r.open(k, "Parameters")
		dll := r.of(parameters).text("ServiceDll")
		if dll == "" {
			dll = v.text("ServiceDll")
		}
		image := v.text("ImagePath")
		kind, typed := v.number("Type")
		if !typed && image == "" && dll == "" {
			return true
		}
		start, what := event.Value{}, event.Value{}
		if n, ok := v.number("Start"); ok && n < uint64(len(startTypes)) {
			start = event.Text(startTypes[n])
		} else if ok {
			start = decimal(n)
		}
		if typed {
			if what = event.Text(serviceTypes[kind]); len(what.Raw) == 0 {
				what = event.Text(fmt.Sprintf("0x%x", kind))
			}
		}
		r.emit(registryServices, max(k.written, parameters.writtenIf(dll != "")), k.at, event.Text(k.name), v.null("DisplayName"), textOrNull(image), textOrNull(dll), start, what,
			v.null("ObjectName"), v.null("FailureCommand"), event.Text(hklmSystem+`\Services\`+k.name+`\ImagePath`), textOrNull(image))
		return true
	})
}

// writtenIf is when the key was written if that counts, else no time.
func (k hiveKey) writtenIf(counts bool) event.Time {
	if !counts || !k.exists() {
		return event.NoTime
	}
	return k.written
}

// shares yields the folders that the server lends out, beside those that every Windows lends to administrators.
func (r *registry) shares(top hiveKey) {
	k := r.open(top, `Services\LanmanServer\Shares`)
	for _, v := range r.values(k) {
		if v.kind != regMultiSZ {
			continue
		}
		part := map[string]string{} // of the four names below alone
		for _, s := range r.texts(v) {
			switch name, value, _ := strings.Cut(s, "="); name {
			case "ShareName", "Path", "Type", "Remark":
				part[name] = value
			}
		}
		name := part["ShareName"]
		if name == "" {
			name = v.name
		}
		r.emit(registryShares, k.written, v.at, event.Text(name), textOrNull(part["Path"]), textOrNull(part["Type"]), textOrNull(part["Remark"]),
			event.Text(hklmSystem+`\Services\LanmanServer\Shares\`+v.name))
	}
}

// bam yields what the moderators of background and desktop activity kept: by account, when a program last ran.
func (r *registry) bam(top hiveKey) {
	for _, path := range []string{`Services\bam\State\UserSettings`, `Services\bam\UserSettings`, `Services\dam\State\UserSettings`, `Services\dam\UserSettings`} {
		r.each(r.open(top, path), func(k hiveKey) bool {
			for _, v := range r.values(k) {
				if v.kind != regBinary || v.size < 8 || v.size > 4096 {
					continue
				}
				if b := r.data(v); len(b) >= 8 {
					t := event.FromFileTime(binary.LittleEndian.Uint64(b))
					r.emit(registryBAM, t, v.at, event.Text(v.name), event.Text(k.name), instant(t))
				}
			}
			return true
		})
	}
}
