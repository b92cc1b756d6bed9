package worker

import (
	"bytes"
	"encoding/binary"
)

// Go's object files, as far as the names are concerned that one of them refers to: cmd/internal/goobj in its sources.
const (
	objectMagic  = "\x00go120ld"
	headerWords  = len(objectMagic) + 8 + 4 // the magic, the fingerprint, the flags; then offsets of blocks
	blockSymbols = 3
	blockAfter   = 8 // the block behind that of references
	symbolBytes  = 8 + 2 + 1 + 1 + 1 + 4 + 4
)

// references returns the names of all symbols in an archive; nil where its form is not known.
func references(archive []byte) []string {
	start := bytes.Index(archive, []byte("\n`\n"+objectMagic))
	if start < 0 {
		start = bytes.Index(archive, []byte(objectMagic))
	} else {
		start += 3
	}
	if start < 0 || len(archive) < start+headerWords+4*(blockAfter+1) {
		return nil
	}
	object := archive[start:]
	word := func(at int) int { return int(binary.LittleEndian.Uint32(object[at:])) }
	from, to := word(headerWords+4*blockSymbols), word(headerWords+4*blockAfter)
	if from > to || to > len(object) || (to-from)%symbolBytes != 0 {
		return nil
	}
	var names []string
	for ; from < to; from += symbolBytes {
		length, at := word(from), word(from+4)
		if at+length > len(object) {
			return nil
		}
		names = append(names, string(object[at:at+length]))
	}
	return names
}
