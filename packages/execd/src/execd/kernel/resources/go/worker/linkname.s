// Functions without a body are found by the linker.
