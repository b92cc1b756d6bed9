package worker

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"syscall"
)

// library is the shared library with Go's packages, seen as the dynamic loader sees it: mapped, its symbols found by
// their hash. It has more than a hundred thousand of them, and reading them all takes Go's linker half a second.
type library struct {
	path     string
	data     []byte
	sections []elf.SectionHeader
	symbols  []byte
	strings  []byte
	hash     []byte
}

func openLibrary(path string) (*library, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	l := &library{path: path}
	l.data, err = syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	parsed, err := elf.NewFile(file)
	if err != nil {
		return nil, err
	}
	for _, section := range parsed.Sections {
		l.sections = append(l.sections, section.SectionHeader)
	}
	l.symbols, l.strings, l.hash = l.section(".dynsym"), l.section(".dynstr"), l.section(".gnu.hash")
	if l.symbols == nil || l.strings == nil || l.hash == nil {
		return nil, fmt.Errorf("%s has no symbols", path)
	}
	return l, nil
}

func (l *library) section(name string) []byte {
	for _, s := range l.sections {
		if s.Name == name {
			return l.data[s.Offset : s.Offset+s.FileSize]
		}
	}
	return nil
}

// symbol is an entry of the dynamic symbol table.
type symbol struct {
	name  string
	info  byte
	other byte
	value uint64
	size  uint64
}

// find looks a symbol up by the GNU hash table.
func (l *library) find(name string) (symbol, bool) {
	word := func(at uint32) uint32 { return binary.LittleEndian.Uint32(l.hash[at:]) }
	buckets, base, bloom := word(0), word(4), word(8)
	hash := uint32(5381)
	for _, letter := range []byte(name) {
		hash = hash*33 + uint32(letter)
	}
	chains := 16 + 8*bloom + 4*buckets
	index := word(16 + 8*bloom + 4*(hash%buckets))
	for ; index >= base; index++ {
		at := chains + 4*(index-base)
		if word(at)|1 == hash|1 {
			if s := l.entry(index); s.name == name {
				return s, true
			}
		}
		if word(at)&1 != 0 {
			break
		}
	}
	return symbol{}, false
}

func (l *library) entry(index uint32) symbol {
	raw := l.symbols[24*index:]
	at := binary.LittleEndian.Uint32(raw)
	end := at
	for l.strings[end] != 0 {
		end++
	}
	return symbol{
		name: string(l.strings[at:end]), info: raw[4], other: raw[5],
		value: binary.LittleEndian.Uint64(raw[8:]), size: binary.LittleEndian.Uint64(raw[16:]),
	}
}

// bytes returns what the file has for an address, at most so many.
func (l *library) bytes(address, size uint64) []byte {
	for _, s := range l.sections {
		if s.Type == elf.SHT_PROGBITS && s.Addr != 0 && s.Addr <= address && address < s.Addr+s.Size {
			from := s.Offset + address - s.Addr
			return l.data[from:min(from+size, s.Offset+s.FileSize)]
		}
	}
	return nil
}
