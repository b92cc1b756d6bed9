"""What can be said without waiting: requests, decoding, folding, what to do next. No loop, socket or clock."""
