// Package evidence opens what was collected, hashes as it reads, and yields events.
//
// Open takes a collection: one file, a folder or an archive, of one server or of many. Units breaks it into parts that
// workers read independently; Unit.Read opens archives inside archives, tells each artifact's kind by its content, asks
// the layout of the collection which computer it belongs to, and streams it through SHA-256 into the one reader that
// knows its kind (the list is in kinds.go). Every artifact is listed and hashed, unknown ones, empty ones and the
// archives themselves included; nothing is written but temporary files, and no link is followed.
//
// Evidence is hostile. What cannot be decoded is damage, what cannot be opened is an error on that artifact, and the
// rest goes on. Limits bound what an archive may unpack to. The same bytes give the same artifacts, events and notes,
// whatever the number of workers, the order of a directory or the time of day.
package evidence
