package worker

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"
)

const (
	gcDataOffset = 32   // of the pointer mask in a type's descriptor
	maskBytes    = 4096 // more than the linker reads of a mask
)

// alwaysNamed are symbols that Go's linker refers to by itself.
var alwaysNamed = []string{
	"runtime.addmoduledata", "runtime.lastmoduledatap", "runtime..inittask", "runtime.tlsg", "runtime.unreachableMethod",
	"runtime.textsectionmap", "type:runtime.moduledata", "go:link.abihash.libexecdgo.so", "runtime.morestack_noctxt", "runtime.morestack",
	"runtime.morestackc", "runtime.writeBarrier", "type:unsafe.Pointer", "type:uintptr", "runtime.memequal0",
	"runtime.memequal128", "runtime.memequal64", "runtime.memequal_varlen", "runtime.nilinterequal",
}

// stub returns a shared library for Go's linker that has those of a library's symbols that are referred to, and
// nothing else: the notes, the descriptors of types, and their pointer masks.
func (l *library) stub(names []string) []byte {
	s := &stub{library: l, seen: map[string]bool{}}
	s.add(".note.go.abihash", elf.SHT_NOTE, 0, 0, l.section(".note.go.abihash"))
	s.add(".note.go.deps", elf.SHT_NOTE, 0, 0, l.section(".note.go.deps"))
	s.add(".rela.dyn", elf.SHT_RELA, 0, 24, nil)
	s.code = len(s.sections)
	s.add(".text", elf.SHT_PROGBITS, 0, 0, make([]byte, 8))
	s.strings.WriteByte(0)
	s.symbols.Write(make([]byte, 24))
	for _, name := range append(alwaysNamed, names...) {
		for _, candidate := range mangled(name) {
			if found, ok := l.find(candidate); ok {
				s.addSymbol(found)
			}
		}
	}
	return s.file()
}

type stubSection struct {
	name          string
	kind          elf.SectionType
	address, unit uint64
	data          []byte
	link, info    uint32
}

type stub struct {
	*library
	sections []stubSection
	symbols  bytes.Buffer
	strings  bytes.Buffer
	seen     map[string]bool
	code     int
}

func (s *stub) add(name string, kind elf.SectionType, address, unit uint64, data []byte) int {
	s.sections = append(s.sections, stubSection{name: name, kind: kind, address: address, unit: unit, data: data})
	return len(s.sections)
}

func (s *stub) addSymbol(found symbol) {
	if s.seen[found.name] {
		return
	}
	s.seen[found.name] = true
	section := s.code + 1
	if strings.HasPrefix(found.name, "type:") && !strings.HasPrefix(found.name, "type:.") {
		data := s.bytes(found.value, found.size)
		section = s.add(".data.rel.ro", elf.SHT_PROGBITS, found.value, 0, data)
		if len(data) >= gcDataOffset+8 {
			if mask := binary.LittleEndian.Uint64(data[gcDataOffset:]); mask != 0 {
				s.add(".rodata", elf.SHT_PROGBITS, mask, 0, s.bytes(mask, maskBytes))
			}
		}
	}
	var entry [24]byte
	binary.LittleEndian.PutUint32(entry[:], uint32(s.strings.Len()))
	entry[4], entry[5] = found.info, found.other
	binary.LittleEndian.PutUint16(entry[6:], uint16(section))
	binary.LittleEndian.PutUint64(entry[8:], found.value)
	binary.LittleEndian.PutUint64(entry[16:], found.size)
	s.symbols.Write(entry[:])
	s.strings.WriteString(found.name)
	s.strings.WriteByte(0)
}

func (s *stub) file() []byte {
	table := s.add(".dynsym", elf.SHT_DYNSYM, 0, 24, s.symbols.Bytes())
	s.sections[table-1].link, s.sections[table-1].info = uint32(table+1), 1
	s.add(".dynstr", elf.SHT_STRTAB, 0, 0, s.strings.Bytes())
	var names bytes.Buffer
	names.WriteByte(0)
	offsets := make([]uint32, len(s.sections)+1)
	for i, section := range append(s.sections, stubSection{name: ".shstrtab"}) {
		offsets[i] = uint32(names.Len())
		names.WriteString(section.name)
		names.WriteByte(0)
	}
	s.add(".shstrtab", elf.SHT_STRTAB, 0, 0, names.Bytes())
	var body, headers bytes.Buffer
	binary.Write(&headers, binary.LittleEndian, elf.Section64{})
	const headerBytes = 64
	for i, section := range s.sections {
		for body.Len()%8 != 0 {
			body.WriteByte(0)
		}
		binary.Write(&headers, binary.LittleEndian, elf.Section64{
			Name: offsets[i], Type: uint32(section.kind), Addr: section.address, Off: uint64(headerBytes + body.Len()),
			Size: uint64(len(section.data)), Link: section.link, Info: section.info, Addralign: 1, Entsize: section.unit,
		})
		body.Write(section.data)
	}
	for body.Len()%8 != 0 {
		body.WriteByte(0)
	}
	var file bytes.Buffer
	header := elf.Header64{
		Type: uint16(elf.ET_DYN), Machine: binary.LittleEndian.Uint16(s.data[18:]), Version: 1, Ehsize: headerBytes,
		Shoff: uint64(headerBytes + body.Len()), Shentsize: 64, Shnum: uint16(len(s.sections) + 1), Shstrndx: uint16(len(s.sections)),
	}
	copy(header.Ident[:], s.data[:16])
	binary.Write(&file, binary.LittleEndian, header)
	file.Write(body.Bytes())
	file.Write(headers.Bytes())
	return file.Bytes()
}
