package evidence

import (
	"bytes"
	"context"
	"time"

	"wardround/internal/event"
)

// webJSONReader reads access logs that are kept as JSON: Caddy's, Traefik's, and nginx's or Apache's own formats whose
// keys are the servers' variables.
var webJSONReader = reader{kind: "web-access-json", is: isWebJSON, read: readWebJSON}

// Roles of JSON values that are no slot by themselves.
const (
	webJSONTime     = webSlots + iota // ISO 8601, or seconds since 1970
	webJSONLocal                      // 23/Nov/2022:07:07:49 +0530
	webJSONRequest                    // the whole request line
	webJSONHostPort                   // a client with its port
)

// webJSONPaths says what the keys of the formats stand for.
var webJSONPaths = map[string]int{
	// nginx and Apache by the names of their variables.
	"remote_addr": webClient, "remote_host": webClient, "client_ip": webClient, "clientip": webClient, "remote_ip": webClient, "remoteip": webClient,
	"remote_user": webUser, "user": webUser,
	"request": webJSONRequest, "request_method": webMethod, "method": webMethod, "verb": webMethod,
	"request_uri": webURI, "uri": webURI, "url": webURI, "path": webStem, "query": webQuery, "query_string": webQuery, "args": webQuery,
	"server_protocol": webVersion, "protocol": webVersion, "http_version": webVersion,
	"status": webStatus, "response": webStatus, "body_bytes_sent": webBytes, "bytes_sent": webBytes, "bytes": webBytes, "size": webBytes,
	"http_referer": webReferer, "http_referrer": webReferer, "referer": webReferer, "referrer": webReferer,
	"http_user_agent": webAgent, "user_agent": webAgent, "agent": webAgent, "userAgent": webAgent,
	"http_host": webHost, "host": webHost, "server_name": webServer, "vhost": webHost, "server_port": webPort,
	"http_x_forwarded_for": webForwarded, "x_forwarded_for": webForwarded, "request_time": webTaken, "duration": webTaken,
	"time_iso8601": webJSONTime, "@timestamp": webJSONTime, "timestamp": webJSONTime, "time": webJSONTime, "msec": webJSONTime, "ts": webJSONTime,
	"time_local": webJSONLocal,
	// Caddy.
	"request.remote_ip": webClient, "request.client_ip": webClient, "request.remote_addr": webJSONHostPort, "request.remote_port": -1,
	"request.method": webMethod, "request.host": webHost, "request.uri": webURI, "request.proto": webVersion, "user_id": webUser,
	"request.headers.User-Agent": webAgent, "request.headers.Referer": webReferer, "request.headers.X-Forwarded-For": webForwarded,
	// Traefik.
	"ClientHost": webClient, "ClientUsername": webUser, "RequestMethod": webMethod, "RequestPath": webURI, "RequestProtocol": webVersion,
	"RequestHost": webHost, "DownstreamStatus": webStatus, "OriginStatus": -1, "DownstreamContentSize": webBytes, "Duration": webTaken,
	"StartUTC": webJSONTime, "request_User-Agent": webAgent, "request_Referer": webReferer, "request_X-Forwarded-For": webForwarded, "RouterName": webServer,
}

// webJSONShape is the slot of each token of objects of one form; -1 where there is none.
type webJSONShape struct {
	slots    []int
	provider string
	is       bool // has what a request has
}

func newWebJSONShape(text []byte, tokens []jsonToken) *webJSONShape {
	paths, _ := jsonPaths(text, tokens)
	s := &webJSONShape{slots: make([]int, len(tokens))}
	held := map[int]bool{}
	for i, t := range tokens {
		s.slots[i] = -1
		if t.kind == jsonClose || t.kind == jsonObject || t.kind == jsonArray {
			continue
		}
		if slot, ok := webJSONPaths[paths[i]]; ok && slot >= 0 {
			s.slots[i] = slot
			held[slot] = true
		}
		switch paths[i] {
		case "request.uri":
			s.provider = "caddy"
		case "RequestPath":
			s.provider = "traefik"
		case "body_bytes_sent", "request_uri", "time_iso8601", "http_user_agent":
			s.provider = "nginx"
		}
	}
	s.is = held[webStatus] && (held[webClient] || held[webJSONHostPort]) && (held[webURI] || held[webStem] || held[webJSONRequest]) &&
		(held[webJSONTime] || held[webJSONLocal])
	return s
}

func isWebJSON(head []byte, _ string) bool {
	if !startsLikeJSON(head) {
		return false
	}
	j := newJSONObjects(context.Background(), bytes.NewReader(head), func(int64, int64, string) {})
	for n := 0; n < 20 && j.next(); n++ {
		if newWebJSONShape(j.text, j.tokens).is {
			return true
		}
	}
	return false
}

// webJSON turns objects into requests.
type webJSON struct {
	access  *webAccess
	shapes  map[string]*webJSONShape
	schemas map[string]*event.Schema
	out     *output
	zone    *localZone
	name    string
}

func readWebJSON(ctx context.Context, in *input, out *output) error {
	w := &webJSON{
		access: newWebAccess(event.Source{}), shapes: map[string]*webJSONShape{}, schemas: map[string]*event.Schema{},
		out: out, zone: newLocalZone(in, out), name: webProvider(in.Path),
	}
	w.access.zone = w.zone
	others := 0
	j := newJSONObjects(ctx, in.Stream, out.damage)
	for j.next() {
		s, ok := w.shapes[string(j.sig)]
		if !ok {
			s = newWebJSONShape(j.text, j.tokens)
			if len(w.shapes) < 1000 && len(j.sig) < 16<<10 {
				w.shapes[string(j.sig)] = s
			}
		}
		if !s.is {
			others++
			continue
		}
		w.object(j, s)
	}
	if others > 0 {
		out.note("%d objects that are no requests were passed over", others)
	}
	return j.fail()
}

func (w *webJSON) object(j *jsonObjects, s *webJSONShape) {
	a := w.access
	a.text, a.time = a.text[:0], event.NoTime
	clear(a.slots[:])
	for i, slot := range s.slots {
		if slot < 0 || j.tokens[i].kind == jsonNull {
			continue
		}
		b := j.text[j.tokens[i].at:j.tokens[i].end]
		if j.tokens[i].escaped {
			start := len(a.text)
			a.text = j.plain(a.text, i)
			b = a.text[start:]
		}
		w.value(j, i, slot, b)
	}
	if a.slots[webURI].IsNull() && !a.slots[webStem].IsNull() {
		query := a.slots[webQuery]
		a.uri(a.slots[webStem].Raw)
		if a.slots[webQuery].IsNull() {
			a.slots[webQuery] = query
		}
	}
	provider := w.name
	if provider == "access-log" && s.provider != "" {
		provider = s.provider
	}
	schema := w.schemas[provider]
	if schema == nil {
		schema = webSchema("access", provider)
		w.schemas[provider] = schema
	}
	w.out.want(schema)
	a.rec = event.Record{Schema: schema, Slots: a.slots[:], Time: a.time, Number: j.number, Offset: j.offset}
	w.out.take(&a.rec)
}

// value puts one value where its role says.
func (w *webJSON) value(j *jsonObjects, token, role int, b []byte) {
	a := w.access
	switch role {
	case webJSONTime:
		if t, zoned, ok := j.stamp(token); ok {
			if a.time = t; !zoned {
				a.time = w.zone.unstated(t)
			}
		} else if a.time == event.NoTime {
			a.time = decimalSeconds(b)
		}
	case webJSONLocal:
		a.stamp(b)
	case webJSONRequest:
		a.request(b)
	case webJSONHostPort:
		host, _ := splitPort(b)
		a.put(webClient, host)
	case webURI:
		a.uri(b)
	case webAgent, webReferer, webForwarded, webUser:
		if a.slots[role].IsNull() {
			a.put(role, b)
		}
	default:
		a.put(role, b)
	}
}

// decimalSeconds reads a time that nginx writes as a string of seconds since 1970.
func decimalSeconds(b []byte) event.Time {
	t, ok := readSeconds(b)
	if !ok || t.Std().Before(time.Unix(0, 0)) {
		return event.NoTime
	}
	return t
}
