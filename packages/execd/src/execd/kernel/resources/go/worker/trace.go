package worker

import (
	"fmt"
	"regexp"
	"runtime"
	"strings"
)

// panicked is a panic of a cell, with the functions that it came through.
type panicked struct {
	value  any
	frames []runtime.Frame
}

// callers returns the frames below those of the panic itself.
func callers() []runtime.Frame {
	counters := make([]uintptr, 100)
	frames := runtime.CallersFrames(counters[:runtime.Callers(3, counters)])
	var found []runtime.Frame
	for {
		frame, more := frames.Next()
		found = append(found, frame)
		if !more {
			return found
		}
	}
}

func (p *panicked) reply() reply {
	value := p.text()
	trace := []string{"panic: " + value, ""}
	for _, frame := range p.frames {
		if strings.HasPrefix(frame.Function, "execd/worker.") {
			break
		}
		if hidden(frame.Function) {
			continue
		}
		trace = append(trace, cleanName(frame.Function)+"(...)", fmt.Sprintf("\t%s:%d", base(frame.File), frame.Line))
	}
	return failed("panic", value, trace)
}

// text is what Go prints of a panic's value.
func (p *panicked) text() (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("(%T)", p.value)
		}
	}()
	return plain(fmt.Sprint(p.value))
}

func hidden(function string) bool {
	return strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "execd/")
}

// The function that holds a cell's statements is nobody's name.
var cellFunction = regexp.MustCompile(`^main\.cell` + mark + `\d+`)

func cleanName(function string) string {
	return plain(cellFunction.ReplaceAllString(function, "main.cell"))
}

func base(file string) string {
	if i := strings.LastIndex(file, "cell["); i >= 0 {
		return file[i:]
	}
	return file
}
