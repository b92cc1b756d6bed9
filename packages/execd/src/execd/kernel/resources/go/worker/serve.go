// Package worker serves a context: it takes cells of Go, compiles each by itself, and runs it in this process.
package worker

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// maxStackBytes ends an endless recursion before it has eaten the sandbox's memory.
const maxStackBytes = 256 << 20

// request is a line from the daemon.
type request struct {
	Type string            `json:"type"`
	ID   string            `json:"id"`
	Code string            `json:"code"`
	Envs map[string]string `json:"envs"`
}

type server struct {
	tell    *os.File
	telling sync.Mutex
	session *session
	world   *world
	builder *builder
	envs    lent
	lock    sync.Mutex
	current *execution
	cells   chan request
}

// Main serves the descriptors named on the command line until the first of them ends.
func Main() {
	if len(os.Args) == 3 && os.Args[1] == "--program" {
		runProgram(os.Args[2])
		return
	}
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: worker TAKE TELL GO")
		os.Exit(2)
	}
	debug.SetMaxStack(maxStackBytes)
	// A handler, and not that it is ignored: programs that cells start would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT)
	s, err := newServer(descriptor(os.Args[2]), os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	take := descriptor(os.Args[1])
	os.Args = []string{"cell"}
	go s.work()
	s.say(map[string]any{"type": "ready", "version": strings.TrimPrefix(runtime.Version(), "go")})
	s.listen(take)
	os.Exit(0)
}

func descriptor(text string) *os.File {
	number, err := strconv.Atoi(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, "no descriptor:", text)
		os.Exit(2)
	}
	syscall.CloseOnExec(number)
	return os.NewFile(uintptr(number), "daemon")
}

func newServer(tell *os.File, program string) (*server, error) {
	own, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := newWorld(filepath.Dir(own))
	b, err := newBuilder(w, program)
	if err != nil {
		return nil, err
	}
	w.builder = b
	return &server{tell: tell, session: newSession(), world: w, builder: b, cells: make(chan request, 16)}, nil
}

func (s *server) say(what map[string]any) {
	line, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	if _, err := s.tell.Write(append(line, '\n')); err != nil {
		os.Exit(0)
	}
}

func (s *server) listen(take *os.File) {
	lines := bufio.NewReader(take)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var r request
		if json.Unmarshal(line, &r) != nil {
			continue
		}
		switch r.Type {
		case "execute":
			s.cells <- r
		case "interrupt":
			s.interrupt(r.ID)
		case "lend_envs":
			s.envs.lend(r.Envs)
		case "return_envs":
			s.envs.giveBack()
		}
	}
}

func (s *server) interrupt(id string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.current != nil && s.current.id == id {
		s.current.interrupt()
	}
}

func (s *server) work() {
	for r := range s.cells {
		e := &execution{server: s, id: r.ID}
		s.lock.Lock()
		s.current = e
		s.lock.Unlock()
		s.say(map[string]any{"type": "begun", "id": r.ID})
		content := e.perform(r.Code)
		s.lock.Lock()
		s.current = nil
		s.lock.Unlock()
		s.say(map[string]any{"type": "reply", "id": r.ID, "content": content})
	}
}

// lent holds what variables of the environment were before a cell got its own.
type lent map[string]*string

func (l *lent) lend(values map[string]string) {
	l.giveBack()
	*l = lent{}
	for name, value := range values {
		(*l)[name] = nil
		if old, ok := os.LookupEnv(name); ok {
			(*l)[name] = &old
		}
		os.Setenv(name, value)
	}
}

func (l *lent) giveBack() {
	for name, value := range *l {
		if value == nil {
			os.Unsetenv(name)
		} else {
			os.Setenv(name, *value)
		}
	}
	*l = nil
}
