// The program that the daemon starts: everything it does is in a package of the shared library.
package main

import "execd/worker"

func main() {
	worker.Main()
}
