package verdict

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"wardround/internal/event"
)

// Acts are what counts for the verdicts, after Verdicts, in order of time: what the story is told from.
func (j *Judge) Acts() []event.Act { return j.acts }

// Taken are the accounts that are proven to be in the intruder's hands, after Verdicts, in the order in which they were.
func (j *Judge) Taken() []event.Taken { return j.taken }

// tell notes the acts that count and the accounts that they prove taken.
func (j *Judge) tell(ids []event.ServerID, opinions map[event.ServerID]*opinion, st *state) {
	j.acts, j.taken = []event.Act{}, []event.Taken{}
	for _, id := range ids {
		o := opinions[id]
		for _, a := range o.acts {
			if a.why != "" || a.untimed() {
				continue
			}
			j.acts = append(j.acts, event.Act{
				Server: id, First: a.first, Last: a.last, Class: a.class, Decisive: slices.Contains(o.decisive, a),
				Accounts: orNone(a.traits.accounts), Sources: orNone(a.traits.sources), Reasons: a.reasons(),
			})
		}
	}
	slices.SortStableFunc(j.acts, func(a, b event.Act) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Server, b.Server), cmp.Compare(a.Last, b.Last))
	})
	for _, account := range slices.Sorted(maps.Keys(st.taken)) {
		j.taken = append(j.taken, j.takenBy(account, ids, opinions, st.taken[account]))
	}
	slices.SortStableFunc(j.taken, func(a, b event.Taken) int {
		return cmp.Or(cmp.Compare(a.Since, b.Since), cmp.Compare(a.Account, b.Account))
	})
}

// takenBy says how it is known that an account was taken: by the earliest act that was done with it, or that read its key.
func (j *Judge) takenBy(account string, ids []event.ServerID, opinions map[event.ServerID]*opinion, since event.Time) event.Taken {
	out := event.Taken{Account: account, Since: since, Servers: []event.ServerID{}, Because: []string{}}
	for _, id := range ids {
		o := opinions[id]
		if o.judgement != event.Infiltrated {
			continue
		}
		used := false
		for _, a := range o.decisive {
			did := slices.ContainsFunc(a.traits.accounts, func(x string) bool { return sameAccount(x, account) })
			used = used || did
			for _, p := range a.pieces {
				key := slices.Contains(p.exposed, account)
				if out.Says == "" && (did && a.first == since || key && p.at == since) {
					out.Because = idsOf([]*piece{p})
					out.Says = fmt.Sprintf("used on %s: %s", id, sentence(p, a))
					if key {
						out.Says = fmt.Sprintf("its key was read on %s: %s", id, sentence(p, a))
					}
				}
			}
		}
		if used {
			out.Servers = append(out.Servers, id)
		}
	}
	return out
}

func orNone(s []string) []string {
	if s == nil {
		return []string{}
	}
	return slices.Clone(s)
}
