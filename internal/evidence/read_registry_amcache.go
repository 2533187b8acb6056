package evidence

import (
	"strings"
	"time"

	"wardround/internal/event"
)

var (
	amcacheFiles = event.TextSchema(event.Source{Product: "windows", Channel: "amcache"},
		"Image", "OriginalFileName", "Hashes", "sha1", "Company", "Product", "Description", "FileVersion", "Size", "LinkDate", "FileCreated", "FileModified", "OsComponent", "ProgramId")
	amcacheDrivers = event.TextSchema(event.Source{Product: "windows", Channel: "amcache drivers"},
		"ImageLoaded", "Hashes", "sha1", "Company", "Product", "FileVersion", "Signed", "ServiceName", "FileModified", "LinkDate")
	amcachePrograms = event.TextSchema(event.Source{Product: "windows", Channel: "amcache programs"},
		"Product", "Company", "FileVersion", "InstallDate", "Directory", "UninstallString", "ProgramId")
)

// amcache reads Amcache.hve, in the layout of Windows 10 (inventories) and in that of Windows 8 (files by volume). An entry
// proves that the file was there when an inventory was made or the file was first started: that it ran is not proven. The
// hash is of the file's first 31,457,280 bytes.
func (r *registry) amcache() {
	root := r.open(r.root, "Root")
	r.each(r.open(root, "InventoryApplicationFile"), func(k hiveKey) bool {
		v := r.of(k)
		hashes, sha1 := sha1Values(v.text("FileId"))
		name := v.text("LowerCaseLongPath")
		if name == "" {
			name = v.text("Name")
		}
		r.emit(amcacheFiles, k.written, k.at, textOrNull(name), v.null("OriginalFileName"), hashes, sha1, v.null("Publisher"), v.null("ProductName"), event.Value{},
			v.null("Version"), v.null("Size"), linkDate(v.text("LinkDate")), event.Value{}, event.Value{}, v.null("IsOsComponent"), v.null("ProgramId"))
		return true
	})
	r.each(r.open(root, "File"), func(volume hiveKey) bool {
		r.each(volume, func(k hiveKey) bool {
			r.amcacheFile(k)
			return true
		})
		return true
	})
	r.each(r.open(root, "InventoryDriverBinary"), func(k hiveKey) bool {
		v := r.of(k)
		image, id := strings.ReplaceAll(k.name, "/", `\`), v.text("DriverId")
		if !strings.Contains(image, `\`) { // before Windows 10 1709 the key is the hash
			image, id = v.text("DriverName"), k.name
		}
		hashes, sha1 := sha1Values(id)
		link := event.Value{}
		if n, ok := v.number("DriverTimeStamp"); ok && n > 0 {
			link = instant(unixTime(int64(n), 0))
		}
		r.emit(amcacheDrivers, k.written, k.at, textOrNull(image), hashes, sha1, v.null("DriverCompany"), v.null("Product"), v.null("DriverVersion"),
			v.null("DriverSigned"), v.null("Service"), linkDate(v.text("DriverLastWriteTime")), link)
		return true
	})
	r.each(r.open(root, "InventoryApplication"), func(k hiveKey) bool {
		v := r.of(k)
		r.emit(amcachePrograms, k.written, k.at, v.null("Name"), v.null("Publisher"), v.null("Version"), linkDate(v.text("InstallDate")), v.null("RootDirPath"),
			v.null("UninstallString"), v.null("ProgramId"))
		return true
	})
	r.each(r.open(root, "Programs"), func(k hiveKey) bool {
		v := r.of(k)
		installed := event.NoTime
		if n, ok := v.number("a"); ok && n > 0 {
			installed = unixTime(int64(n), 0)
		}
		r.emit(amcachePrograms, k.written, k.at, v.null("0"), v.null("2"), v.null("1"), instant(installed), v.null("d"), v.null("7"), event.Text(k.name))
		return true
	})
}

// amcacheFile yields a file of the older layout, whose values have hexadecimal numbers for names.
func (r *registry) amcacheFile(k hiveKey) {
	v := r.of(k)
	hashes, sha1 := sha1Values(v.text("101"))
	at := func(name string) event.Value {
		if n, ok := v.number(name); ok && n > 0 {
			return instant(event.FromFileTime(n))
		}
		return event.Value{}
	}
	link := event.Value{}
	if n, ok := v.number("f"); ok && n > 0 {
		link = instant(unixTime(int64(n), 0))
	}
	modified := at("17")
	if modified.IsNull() {
		modified = at("11")
	}
	r.emit(amcacheFiles, k.written, k.at, v.null("15"), event.Value{}, hashes, sha1, v.null("1"), v.null("0"), v.null("c"),
		v.null("5"), v.count("6"), link, at("12"), modified, event.Value{}, v.null("100"))
}

// sha1Values makes of "0000" and a SHA-1 the hash as Sysmon writes it, and the bare one.
func sha1Values(id string) (hashes, sha1 event.Value) {
	sum, ok := strings.CutPrefix(id, "0000")
	if !ok || len(sum) != 40 {
		return event.Value{}, event.Value{}
	}
	return event.Text("SHA1=" + strings.ToUpper(sum)), event.Text(strings.ToLower(sum))
}

// linkDate reads a date as inventories write it, by universal time; one in another form stays as it is.
func linkDate(s string) event.Value {
	for _, layout := range []string{"01/02/2006 15:04:05", "01/02/2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return instant(event.At(t))
		}
	}
	return textOrNull(s)
}
