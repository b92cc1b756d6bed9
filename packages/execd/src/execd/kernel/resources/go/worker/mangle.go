package worker

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// mangled returns the names that a symbol may have in a shared library: Go's linker shortens those of types, by a hash
// that differs from version to version.
func mangled(name string) []string {
	names := []string{name, name + ".abiinternal", name + ".abi0"}
	if !strings.HasPrefix(name, "type:") || len(name) <= 14 {
		return names
	}
	rest := name[len("type:"):]
	prefix := "type:"
	if rest[0] == '.' {
		prefix = "type:."
	}
	for _, sum := range hashes([]byte(rest)) {
		names = append(names, prefix+base64.StdEncoding.EncodeToString(sum[:6]))
	}
	return names
}

func hashes(data []byte) [][]byte {
	newest := sha256.Sum256(data)
	newest[0] ^= 0xff
	before := sha1.Sum(data)
	before[0] ^= 0xff
	oldest := sha256.Sum256(data)
	for i := range oldest {
		oldest[i] ^= 0xff
	}
	return [][]byte{newest[:], before[:], oldest[:]}
}
