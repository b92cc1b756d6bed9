"""Tables and charts as data, for the kernel that displays them; loaded with the first of them, under a private name."""
