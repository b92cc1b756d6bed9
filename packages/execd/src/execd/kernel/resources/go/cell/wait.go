package cell

import "time"

// Sleep is time.Sleep that an interrupt wakes up.
func Sleep(duration time.Duration) {
	done := Done()
	if done == nil || duration <= 0 {
		time.Sleep(duration)
		return
	}
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
		Exit()
	}
}

// Receive is <-channel.
func Receive[T any](channel <-chan T) T {
	value, _ := Receive2(channel)
	return value
}

// Receive2 is <-channel with its second value.
func Receive2[T any](channel <-chan T) (T, bool) {
	select {
	case value, ok := <-channel:
		return value, ok
	default:
	}
	select {
	case value, ok := <-channel:
		return value, ok
	case <-Done():
		Exit()
		panic("unreachable")
	}
}

// wait calls a function that may block for good: when the run is interrupted, the call is left to itself.
func wait(call func()) {
	done := Done()
	if done == nil {
		call()
		return
	}
	over := make(chan any, 1)
	finished := false
	go func() {
		defer func() {
			if finished {
				over <- nil
			} else {
				over <- recover()
			}
		}()
		call()
		finished = true
	}()
	select {
	case failure := <-over:
		if failure != nil {
			panic(failure)
		}
	case <-done:
		Exit()
	}
}

// Wait00 and the others make functions that block give way to interrupts; the digits count parameters and results.
func Wait00(f func()) func() {
	return func() { wait(f) }
}

// Wait01 is Wait00 for one result.
func Wait01[R any](f func() R) func() R {
	return func() R {
		result := new(R)
		wait(func() { *result = f() })
		return *result
	}
}

// Wait02 is Wait00 for two results.
func Wait02[R, S any](f func() (R, S)) func() (R, S) {
	return func() (R, S) {
		first, second := new(R), new(S)
		wait(func() { *first, *second = f() })
		return *first, *second
	}
}

// Wait11 is Wait00 for a parameter and a result.
func Wait11[A, R any](f func(A) R) func(A) R {
	return func(a A) R {
		return Wait01(func() R { return f(a) })()
	}
}

// Wait12 is Wait00 for a parameter and two results.
func Wait12[A, R, S any](f func(A) (R, S)) func(A) (R, S) {
	return func(a A) (R, S) {
		return Wait02(func() (R, S) { return f(a) })()
	}
}

// Wait21 is Wait00 for two parameters and a result.
func Wait21[A, B, R any](f func(A, B) R) func(A, B) R {
	return func(a A, b B) R {
		return Wait01(func() R { return f(a, b) })()
	}
}

// Wait22 is Wait00 for two parameters and two results.
func Wait22[A, B, R, S any](f func(A, B) (R, S)) func(A, B) (R, S) {
	return func(a A, b B) (R, S) {
		return Wait02(func() (R, S) { return f(a, b) })()
	}
}

// Wait32 is Wait00 for three parameters and two results.
func Wait32[A, B, C, R, S any](f func(A, B, C) (R, S)) func(A, B, C) (R, S) {
	return func(a A, b B, c C) (R, S) {
		return Wait02(func() (R, S) { return f(a, b, c) })()
	}
}

// Sleeper stands for time.Sleep where it is called.
func Sleeper(func(time.Duration)) func(time.Duration) {
	return Sleep
}
