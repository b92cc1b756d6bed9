// Package first is linked in front of every cell, since the runtime takes the very first function of a library for one
// without a name, and would leave it out of tracebacks.
package first

// Function does nothing.
//
//go:noinline
func Function() {}
