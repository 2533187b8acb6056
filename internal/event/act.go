package event

// Act is what somebody did once on a server, as far as it counts for the server's verdict: the traces of it are one act,
// however many logs hold them.
type Act struct {
	Server   ServerID `json:"server"`
	First    Time     `json:"first"` // corrected
	Last     Time     `json:"last"`
	Class    Class    `json:"class"`
	Decisive bool     `json:"decisive"` // it proves infiltration, alone or with a linked mate
	Accounts []string `json:"accounts"` // domain\name in lower case
	Sources  []string `json:"sources"`  // names or addresses of other computers, in lower case
	Reasons  []Reason `json:"reasons"`  // one for each line of the table that it serves
}
