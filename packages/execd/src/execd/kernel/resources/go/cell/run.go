// Package cell is what the code of cells calls: it lets an interrupt reach loops, sleeps and channels, and shows values.
package cell

import (
	"context"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// lookOut is how long goroutines of an interrupted run are looked for.
const lookOut = 5 * time.Second

// Run is one execution of a cell with all the goroutines that it starts: they inherit its profiler label, which is
// the only thing that the runtime hands on from goroutine to goroutine.
type Run struct {
	label       unsafe.Pointer
	done        chan struct{}
	interrupted atomic.Bool
	values      []any
	shown       bool
}

var (
	stopping atomic.Int32 // how many runs have been interrupted and may still have goroutines
	newest   atomic.Pointer[Run]
	runs     sync.Map // label → *Run
)

//go:linkname getLabel runtime/pprof.runtime_getProfLabel
func getLabel() unsafe.Pointer

// Start makes the calling goroutine the first one of a new run.
func Start(id string) *Run {
	labels := pprof.Labels("cell", id)
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), labels))
	run := &Run{label: getLabel(), done: make(chan struct{})}
	runs.Store(run.label, run)
	newest.Store(run)
	return run
}

// Interrupt ends the run's goroutines at their next check.
func (run *Run) Interrupt() {
	if run.interrupted.CompareAndSwap(false, true) {
		stopping.Add(1)
		close(run.done)
		// Who is found still running after that is let go, for the sake of everybody else's speed.
		time.AfterFunc(lookOut, func() { stopping.Add(-1) })
	}
}

// Interrupted tells whether it has been interrupted.
func (run *Run) Interrupted() bool {
	return run.interrupted.Load()
}

// Values returns what the cell has shown, once, and whether it has.
func (run *Run) Values() ([]any, bool) {
	values := run.values
	run.values = nil
	return values, run.shown
}

func current() *Run {
	label := getLabel()
	if run := newest.Load(); run != nil && run.label == label {
		return run
	}
	if run, ok := runs.Load(label); ok {
		return run.(*Run)
	}
	return nil
}

// Check ends the goroutine if its run has been interrupted: deferred functions are run, and none can recover.
func Check() {
	if stopping.Load() != 0 {
		check()
	}
}

func check() {
	if run := current(); run != nil && run.interrupted.Load() {
		runtime.Goexit()
	}
}

// Done returns a channel that is closed when the run is interrupted.
func Done() <-chan struct{} {
	if run := current(); run != nil {
		return run.done
	}
	return nil
}

// Exit ends the goroutine; it returns a value only so that it can stand where a function must not go on.
func Exit() any {
	runtime.Goexit()
	return nil
}

// Show takes the value of the cell's last expression.
func Show(values ...any) {
	if run := current(); run != nil {
		run.values, run.shown = values, true
	}
}
