package worker

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"

	"execd/cell"
)

// reply is what is said at the end of a cell.
type reply map[string]any

func failed(name, value string, trace []string) reply {
	return reply{"status": "error", "ename": name, "evalue": value, "traceback": trace}
}

func refuse(faults []fault) reply {
	slices.SortStableFunc(faults, func(a, b fault) int { return (a.line-b.line)*10000 + a.column - b.column })
	trace := make([]string, len(faults))
	for i, f := range faults {
		trace[i] = f.String()
	}
	return failed("CompileError", faults[0].message, trace)
}

// execution is one cell, from its text to its end.
type execution struct {
	server      *server
	id          string
	lock        sync.Mutex
	interrupted bool
	run         *cell.Run
}

func (e *execution) interrupt() {
	e.lock.Lock()
	defer e.lock.Unlock()
	e.interrupted = true
	if e.run != nil {
		e.run.Interrupt()
	}
}

func (e *execution) stopped() bool {
	e.lock.Lock()
	defer e.lock.Unlock()
	return e.interrupted
}

func (e *execution) perform(code string) reply {
	session := e.server.session
	session.cells++
	pieces, faults := split(code)
	if faults != nil {
		return refuse(faults)
	}
	if isProgram(pieces) {
		return e.performProgram(code, pieces)
	}
	settled, faults := session.settle(code, pieces, e.server.world)
	if faults != nil {
		return refuse(faults)
	}
	var entry func()
	if len(settled.steps) > 0 || len(settled.calls) > 0 {
		library, err := e.server.builder.build(settled.instrumented(), settled.imported())
		if err != nil {
			return unbuilt(err)
		}
		if entry = library.function("main." + settled.entry()); entry == nil {
			return failed("CompileError", "the compiled cell has no entry", nil)
		}
	}
	settled.commit()
	if e.stopped() {
		return reply{"status": "abort"}
	}
	if entry == nil {
		return reply{"status": "ok"}
	}
	return e.enter(entry)
}

func unbuilt(err error) reply {
	var faults refused
	if errors.As(err, &faults) {
		return refuse(faults)
	}
	return failed("CompileError", plain(err.Error()), []string{plain(err.Error())})
}

// commit makes what the cell declares known to later ones.
func (p *plan) commit() {
	p.session.scope = scope{}
	for name, b := range p.scope {
		if b.definition == nil || !b.local {
			p.session.scope[name] = b
		}
		if b.definition != nil {
			b.assumed = ""
		}
	}
	for _, name := range []string{"main", "init"} {
		delete(p.session.scope, name)
	}
	p.session.dots = p.dots
}

// enter runs a cell in a goroutine of its own, which an interrupt may end.
func (e *execution) enter(entry func()) reply {
	over := make(chan reply)
	go func() {
		run := cell.Start(e.id)
		e.lock.Lock()
		e.run = run
		if e.interrupted {
			run.Interrupt()
		}
		e.lock.Unlock()
		finished := false
		defer func() {
			value := recover()
			var failure *panicked
			if value != nil {
				failure = &panicked{value: value, frames: callers()}
			}
			over <- e.outcome(run, finished, failure)
		}()
		entry()
		finished = true
	}()
	return <-over
}

func (e *execution) outcome(run *cell.Run, finished bool, failure *panicked) reply {
	switch {
	case run.Interrupted():
		return reply{"status": "abort"}
	case failure != nil:
		return failure.reply()
	}
	if values, shown := run.Values(); shown && finished {
		if data, ok := display(values); ok {
			e.server.say(map[string]any{
				"type": "execute_result", "id": e.id,
				"content": map[string]any{"data": data, "metadata": map[string]any{}},
			})
		}
	}
	return reply{"status": "ok"}
}

// performProgram compiles a whole program and runs it as a process of its own in this one's group.
func (e *execution) performProgram(code string, pieces []piece) reply {
	settled, faults := e.server.program(code, pieces)
	if faults != nil {
		return refuse(faults)
	}
	file, err := e.server.builder.buildProgram(settled.text, settled.imported())
	if err != nil {
		return unbuilt(err)
	}
	defer file.Close()
	if e.stopped() {
		return reply{"status": "abort"}
	}
	command := programCommand(file)
	// The thread that starts it must outlive it, since its death is what would end the program.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = command.Run()
	if e.stopped() {
		return reply{"status": "abort"}
	}
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		if err != nil {
			return failed("ExitError", err.Error(), []string{err.Error()})
		}
		return reply{"status": "ok"}
	}
	value := fmt.Sprintf("exit status %d", ended.ExitCode())
	if status, ok := ended.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		value = "signal: " + status.Signal().String()
	}
	return failed("ExitError", value, []string{"the program ended with " + value})
}
