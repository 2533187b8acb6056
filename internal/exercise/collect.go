package exercise

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/flate"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
)

// file is a file of a server, under its path there, or of a collection.
type file struct {
	path     string
	data     []byte
	modified event.Time
	write    func(io.WriteSeeker) error // makes data, for what should not lie in memory unless it must
	about    int                        // how much that will be
}

// content is what is in the file.
func (f *file) content() ([]byte, error) {
	if f.write == nil {
		return f.data, nil
	}
	m := &memory{data: make([]byte, 0, f.about)}
	err := f.write(m)
	return m.data, err
}

// packing is a way in which a server's files were collected.
type packing struct {
	json   bool // event logs as lines of JSON
	export bool // event logs saved by Windows, not copied while it writes them
	place  func(s *server, files []file) ([]file, error)
}

var (
	kapeFolder = &packing{place: func(s *server, files []file) ([]file, error) {
		return under(s.collected("20060102T150405_")+s.name, files), nil
	}}
	plainFolder = &packing{place: func(s *server, files []file) ([]file, error) { return under(s.name, flat(files)), nil }}
	jsonFolder  = &packing{json: true, export: true, place: func(s *server, files []file) ([]file, error) { return under(s.name, flat(files)), nil }}
	plainZip    = &packing{export: true, place: func(s *server, files []file) ([]file, error) { return s.zipped(s.name+".zip", flat(files)) }}
	kapeZip     = &packing{place: func(s *server, files []file) ([]file, error) {
		return s.zipped(s.collected("2006-01-02T150405_Target_")+s.name+".zip", files)
	}}
	velociraptorZip = &packing{place: velociraptor}
	uacArchive      = &packing{place: uac}
	vmSupport       = &packing{place: func(s *server, files []file) ([]file, error) {
		top := "esx-" + s.name + s.collected("-2006-01-02--15.04-") + fmt.Sprint(10000+number(80000, s.name))
		return s.tarred(top+".tgz", under(top, files))
	}}
)

// packings are the layouts by the names that scenarios use.
var packings = map[string]*packing{"kape-folder": kapeFolder, "kape-zip": kapeZip, "velociraptor": velociraptorZip, "folder": plainFolder, "zip": plainZip, "json": jsonFolder, "uac": uacArchive, "vm-support": vmSupport}

func packingNames() []string { return slices.Sorted(maps.Keys(packings)) }

// collected is the time at which the server was collected, in the collector's way of writing it. They were collected one
// after another.
func (s *server) collected(form string) string {
	return s.collectedAt().Std().Format(form)
}

func (s *server) collectedAt() event.Time {
	return s.e.to.Add(time.Duration(4*slices.Index(s.e.servers, s)) * time.Minute)
}

// under puts files into a folder.
func under(folder string, files []file) []file {
	out := slices.Clone(files)
	for i := range out {
		out[i].path = path.Join(folder, out[i].path)
	}
	return out
}

// flat takes event logs out of their folders, as people do who copy them by hand.
func flat(files []file) []file {
	out := slices.Clone(files)
	for i := range out {
		out[i].path = strings.TrimPrefix(out[i].path, "C/Windows/System32/winevt/Logs/")
	}
	return out
}

// zipped packs files into a zip archive.
func (s *server) zipped(name string, files []file) ([]file, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zip.Deflate, func(to io.Writer) (io.WriteCloser, error) { return flate.NewWriter(to, flate.BestSpeed) })
	for _, f := range inOrder(files) {
		to, err := w.CreateHeader(&zip.FileHeader{Name: f.path, Method: zip.Deflate, Modified: f.modified.Std().Truncate(2 * time.Second)})
		if err != nil {
			return nil, err
		}
		data, err := f.content()
		if err != nil {
			return nil, err
		}
		if _, err := to.Write(data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return []file{{path: name, data: b.Bytes(), modified: s.collectedAt()}}, nil
}

// tarred packs files into a gzip-compressed tar archive.
func (s *server) tarred(name string, files []file) ([]file, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range inOrder(files) {
		data, err := f.content()
		if err != nil {
			return nil, err
		}
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.path, Size: int64(len(data)), Mode: 0o640, Uname: "root", Gname: "root", ModTime: f.modified.Std().Truncate(time.Second)}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	packed, err := gzipped("", b.Bytes())
	return []file{{path: name, data: packed, modified: s.collectedAt()}}, err
}

func inOrder(files []file) []file {
	return slices.SortedStableFunc(slices.Values(files), func(a, b file) int { return cmp.Compare(a.path, b.path) })
}

// velociraptor is an offline collection of Velociraptor: names in its percent encoding below uploads/, and what it says of
// itself and of the client.
func velociraptor(s *server, files []file) ([]file, error) {
	at := s.collectedAt()
	var list bytes.Buffer
	out := make([]file, 0, len(files)+2)
	for _, f := range files {
		drive, rest, _ := strings.Cut(f.path, "/")
		data, err := f.content()
		if err != nil {
			return nil, err
		}
		stored := "uploads/auto/" + drive + "%3A/" + strings.ReplaceAll(rest, "%", "%25")
		fmt.Fprintf(&list, `{"Timestamp":%q,"started":%q,"vfs_path":%s,"_Components":["uploads","auto"],"file_size":%d,"uploaded_size":%d}`+"\n", at, at, quote(stored), len(data), len(data))
		out = append(out, file{path: stored, data: data, modified: f.modified})
	}
	client := fmt.Sprintf("{\"Hostname\":%q,\"Fqdn\":%q,\"OS\":\"windows\",\"Platform\":%q,\"Note\":%s}\n", s.name, s.computer(), s.os, quote(event.ExerciseMark))
	out = append(out, file{path: "client_info.json", data: []byte(client), modified: at}, file{path: "uploads.json", data: list.Bytes(), modified: at})
	return s.zipped("Collection-"+s.name+s.collected("-2006-01-02T15_04_05Z")+".zip", out)
}

// uac is a collection of UAC: the file system below [root], its own log and what it asked of the running system.
func uac(s *server, files []file) ([]file, error) {
	at := s.collectedAt()
	log := fmt.Sprintf("%s INF UAC (Unix-like Artifacts Collector)\n%s INF %s\n", at.Std().Format("2006-01-02 15:04:05 -0700"), at.Std().Format("2006-01-02 15:04:05 -0700"), event.ExerciseMark)
	out := append(under("[root]", files), file{path: "uac.log", data: []byte(log), modified: at}, file{path: "live_response/system/hostname.txt", data: []byte(strings.ToLower(s.name) + "\n"), modified: at})
	return s.tarred("uac-"+s.name+s.collected("-linux-20060102150405")+".tar.gz", out)
}
